/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Forged safetensors files: every field of the format, wrong in every way that
 * a broken writer or an enemy may think of.
 */
#include <gst/check/gstcheck.h>
#include <string.h>

#include "whisperforge.h"

#define CORRUPT WHISPER_MODEL_ERROR_CORRUPT
#define NOT_WHISPER WHISPER_MODEL_ERROR_NOT_WHISPER
#define SHAPE WHISPER_MODEL_ERROR_SHAPE

#define PREFIX "model.encoder."

static GPtrArray *model;

static void
setup (void)
{
  model = fixture_model_new (&fixture_tiny);
}

static void
teardown (void)
{
  g_clear_pointer (&model, g_ptr_array_unref);
  fixture_folder_remove ();
}

static FixtureFile *
sound_file (void)
{
  return fixture_file_new (model, "F16", PREFIX);
}

/* A forged header of @size bytes before the payload of a sound file. */
static void
assert_header (
    const gchar *what, const gchar *header, gsize size, const gchar *field)
{
  FixtureFile *file = sound_file ();
  GByteArray *bytes;
  guint64 length = GUINT64_TO_LE (size);

  file->header = g_strdup ("");
  bytes = fixture_file_bytes (file);
  g_byte_array_remove_range (bytes, 0, 8);
  g_byte_array_prepend (bytes, (const guint8 *) header, size);
  g_byte_array_prepend (bytes, (guint8 *) &length, 8);
  forge_assert_bytes (what, bytes->data, bytes->len, CORRUPT, field);
  g_byte_array_unref (bytes);
  fixture_file_free (file);
}

/* The entry of the first layer's fc1 with each field replaced. */
GST_START_TEST (test_fields)
{
  static const struct {
    const gchar *field, *text; /* NULL text: the field is missing */
    WhisperModelError code;
    const gchar *expected;
  } cases[] = {
    { "dtype", NULL, CORRUPT, "has no \"dtype\"" },
    { "dtype", "\"F64\"", CORRUPT, "\"data_offsets\" span" },
    { "dtype", "\"F32\"", CORRUPT, "\"data_offsets\" span" },
    { "dtype", "\"U8\"", CORRUPT, "\"data_offsets\" span" },
    { "dtype", "\"F33\"", CORRUPT, "unknown \"dtype\" \"F33\"" },
    { "dtype", "\"f16\"", CORRUPT, "unknown \"dtype\" \"f16\"" },
    { "dtype", "\"\"", CORRUPT, "unknown \"dtype\"" },
    { "dtype", "16", CORRUPT, "\"dtype\" is not a string" },
    { "dtype", "null", CORRUPT, "\"dtype\" is not a string" },
    { "dtype", "true", CORRUPT, "\"dtype\" is not a string" },
    { "dtype", "[\"F16\"]", CORRUPT, "\"dtype\" is not a string" },
    { "dtype", "{\"F16\":1}", CORRUPT, "\"dtype\" is not a string" },
    { "dtype", "\"I16\"", NOT_WHISPER, "type I16" },
    { "dtype", "\"U16\"", NOT_WHISPER, "type U16" },
    { "shape", NULL, CORRUPT, "has no \"shape\"" },
    { "shape", "8192", CORRUPT, "\"shape\" is not an array" },
    { "shape", "\"[128,64]\"", CORRUPT, "\"shape\" is not an array" },
    { "shape", "null", CORRUPT, "\"shape\" is not an array" },
    { "shape", "{}", CORRUPT, "\"shape\" is not an array" },
    { "shape", "[]", CORRUPT, "\"data_offsets\" span" },
    { "shape", "[128]", CORRUPT, "\"data_offsets\" span" },
    { "shape", "[128,65]", CORRUPT, "\"data_offsets\" span" },
    { "shape", "[0,64]", CORRUPT, "\"data_offsets\" span" },
    { "shape", "[-128,-64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[128,-64]", CORRUPT, "\"shape\"[1] is not a non-negative" },
    { "shape", "[128.0,64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[128,6.4e1]", CORRUPT, "\"shape\"[1] is not a non-negative" },
    { "shape", "[\"128\",64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[[128],64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[true,64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[null,64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[{},64]", CORRUPT, "\"shape\"[0] is not a non-negative" },
    { "shape", "[1,1,1,1,1,1,1,128,64]", CORRUPT, "\"shape\" has 9" },
    { "shape", "[4294967296,4294967296]", CORRUPT, "\"shape\" is larger" },
    { "shape", "[2147483648,2147483648,2,64]", CORRUPT, "\"shape\" is larger" },
    { "shape", "[4503599627370496,4096]", CORRUPT, "\"shape\" is larger" },
    { "shape", "[9007199254740993,64]", CORRUPT, "\"shape\": a number larger" },
    { "shape", "[9223372036854775808,64]", CORRUPT,
        "\"shape\": a number larger" },
    { "shape", "[9223372036854775807,64]", CORRUPT,
        "\"shape\": a number larger" },
    { "shape", "[18446744073709551744,64]", CORRUPT,
        "\"shape\": a number larger" },
    { "shape", "[-9223372036854775808,64]", CORRUPT,
        "\"shape\": a number larger" },
    { "shape", "[1267650600228229401496703205376,64]", CORRUPT,
        "\"shape\": a number larger" },
    { "shape", "[64,128]", SHAPE, "[64, 128]" },
    { "shape", "[8192]", SHAPE, "imply [8192, 64]" },
    { "shape", "[8192,1]", SHAPE, "[8192, 1]" },
    { "shape", "[128,64,1]", SHAPE, "[128, 64, 1]" },
    { "shape", "[1,128,64]", SHAPE, "shape[0] is 1" },
    { "shape", "[32,256]", SHAPE, "shape[0] is 32" },
    { "data_offsets", NULL, CORRUPT, "has no \"data_offsets\"" },
    { "data_offsets", "0", CORRUPT, "\"data_offsets\" is not an array" },
    { "data_offsets", "{}", CORRUPT, "\"data_offsets\" is not an array" },
    { "data_offsets", "\"0,1\"", CORRUPT, "\"data_offsets\" is not an array" },
    { "data_offsets", "null", CORRUPT, "\"data_offsets\" is not an array" },
    { "data_offsets", "[]", CORRUPT, "\"data_offsets\" has 0 values" },
    { "data_offsets", "[0]", CORRUPT, "\"data_offsets\" has 1 values" },
    { "data_offsets", "[0,16384,16384]", CORRUPT,
        "\"data_offsets\" has 3 values" },
    { "data_offsets", "[16384,0]", CORRUPT, "end before they begin" },
    { "data_offsets", "[-16384,0]", CORRUPT,
        "\"data_offsets\"[0] is not a non-negative" },
    { "data_offsets", "[0,-16384]", CORRUPT,
        "\"data_offsets\"[1] is not a non-negative" },
    { "data_offsets", "[0.5,16384.5]", CORRUPT,
        "\"data_offsets\"[0] is not a non-negative" },
    { "data_offsets", "[\"0\",16384]", CORRUPT,
        "\"data_offsets\"[0] is not a non-negative" },
    { "data_offsets", "[0,16384]", CORRUPT, "\"data_offsets\" overlap" },
    { "data_offsets", "[0,0]", CORRUPT, "\"data_offsets\" span 0" },
    { "data_offsets", "[0,16383]", CORRUPT, "\"data_offsets\" span 16383" },
    { "data_offsets", "[1,16386]", CORRUPT, "\"data_offsets\" span 16385" },
    { "data_offsets", "[1073741824,1073758208]", CORRUPT,
        "after the end of the file" },
    { "data_offsets", "[9007199254724608,9007199254740992]", CORRUPT,
        "after the end of the file" },
    { "data_offsets", "[9223372036854759424,9223372036854775808]", CORRUPT,
        "\"data_offsets\": a number larger" },
    { "data_offsets", "[18446744073709535232,18446744073709551616]", CORRUPT,
        "\"data_offsets\": a number larger" },
    { "data_offsets", "[18446744073709551616,16384]", CORRUPT,
        "\"data_offsets\": a number larger" },
    { "extra", ",\"dtype\":\"F16\"", CORRUPT,
        "\"dtype\": the name is there twice" },
    { "extra", ",\"shape\":[128,64]", CORRUPT,
        "\"shape\": the name is there twice" },
    { "extra", ",\"data_offsets\":[0,16384]", CORRUPT,
        "\"data_offsets\": the name is there twice" },
    { "extra", ",", CORRUPT, "a string was expected" },
    { "extra", "}", CORRUPT, "something follows" },
    { "extra", ",\"x\"", CORRUPT, "\"x\": \":\" was expected" },
    { "extra", ",\"x\":", CORRUPT, "\"x\": a value was expected" },
    { "extra", ",\"x\":01", CORRUPT, "\"x\": a number begins with 0" },
    { "extra", ",\"x\":NaN", CORRUPT, "\"x\": a value was expected" },
    { "instead", "null", CORRUPT, "is not a JSON object" },
    { "instead", "[]", CORRUPT, "is not a JSON object" },
    { "instead", "7", CORRUPT, "is not a JSON object" },
    { "instead", "\"F16\"", CORRUPT, "is not a JSON object" },
    { "instead", "{}", CORRUPT, "has no \"dtype\"" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    FixtureFile *file = sound_file ();
    FixtureEntry *entry = fixture_file_find (file, "layers.0.fc1.weight");
    gchar *what = g_strdup_printf ("%s = %s", cases[i].field, cases[i].text);
    gchar **text = &entry->instead;

    if (strcmp (cases[i].field, "dtype") == 0)
      text = &entry->dtype;
    else if (strcmp (cases[i].field, "shape") == 0)
      text = &entry->shape;
    else if (strcmp (cases[i].field, "data_offsets") == 0)
      text = &entry->offsets;
    else if (strcmp (cases[i].field, "extra") == 0)
      text = &entry->extra;
    g_free (*text);
    *text = g_strdup (cases[i].text);
    forge_assert_file (what, file, cases[i].code, cases[i].expected);
    g_free (what);
  }
  forge_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* Each of the tensors that an encoder needs: not there, of another name, of a
 * shape that does not go with the others, with a value that is no number. */
GST_START_TEST (test_every_tensor)
{
  static const guint16 bad_values[] = { 0x7c00, 0xfc00, 0x7e00, 0x7c01 };
  guint i;

  for (i = 0; i < model->len; i++) {
    FixtureTensor *tensor = g_ptr_array_index (model, i);
    FixtureFile *file = sound_file ();
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);
    gchar *name = g_strdup (entry->name);
    guint at;

    fixture_file_remove (file, name);
    forge_assert_file ("missing", file, NOT_WHISPER, name);

    file = sound_file ();
    entry = g_ptr_array_index (file->entries, i);
    fixture_replace (&entry->name, "%sx", name);
    forge_assert_file ("renamed", file, NOT_WHISPER, name);

    file = sound_file ();
    entry = g_ptr_array_index (file->entries, i);
    g_byte_array_set_size (entry->data, 2 * 63 * 7);
    memset (entry->data->data, 0, 2 * 63 * 7);
    fixture_replace (&entry->shape, "[63,7]");
    fixture_file_place (file);
    forge_assert_file ("of other shape", file, SHAPE, name);

    file = sound_file ();
    entry = g_ptr_array_index (file->entries, i);
    at = (tensor->n - 1) * (i % 3) / 2; /* first, middle, last */
    memcpy (entry->data->data + 2 * at, &bad_values[i % 4], 2);
    forge_assert_file ("not finite", file, CORRUPT, name);
    g_free (name);
  }
  forge_assert_count (4 * model->len);
}
GST_END_TEST;

/* Every dtype's NaN and infinities, first and last. */
GST_START_TEST (test_not_finite)
{
  static const struct {
    const gchar *dtype;
    guint size;
    guint32 bits;
  } cases[] = {
    { "F32", 4, 0x7f800000 },
    { "F32", 4, 0xff800000 },
    { "F32", 4, 0x7fc00000 },
    { "F32", 4, 0x7f800001 },
    { "F16", 2, 0x7c00 },
    { "F16", 2, 0xffff },
    { "BF16", 2, 0x7f80 },
    { "BF16", 2, 0xff80 },
    { "BF16", 2, 0x7fc0 },
    { "BF16", 2, 0xff81 },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    FixtureFile *file = fixture_file_new (model, cases[i].dtype, PREFIX);
    GByteArray *data = fixture_file_find (file, "conv2.weight")->data;
    guint32 bits = GUINT32_TO_LE (cases[i].bits);
    guint at = 12287;

    memcpy (data->data + cases[i].size * at, &bits, cases[i].size);
    forge_assert_file (
        cases[i].dtype, file, CORRUPT, "conv2.weight\": value 12287 is NaN");
  }
  forge_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

GST_START_TEST (test_names)
{
  static const struct {
    const gchar *from, *to; /* of an entry's name */
    WhisperModelError code;
    const gchar *expected;
  } cases[] = {
    { "conv1.bias", PREFIX "conv1.weight", CORRUPT, "there twice" },
    { "layers.1.fc1.bias", PREFIX "layers.1.fc2.bias", CORRUPT, "there twice" },
    { "layers.1.fc1.bias", PREFIX "layers.2.fc1.bias", NOT_WHISPER,
        "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers.127.fc1.bias", NOT_WHISPER,
        "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers.128.fc1.bias", SHAPE,
        "more than 128 layers" },
    { "layers.1.fc1.bias", PREFIX "layers.9999.fc1.bias", SHAPE,
        "more than 128 layers" },
    { "layers.1.fc1.bias", PREFIX "layers.4294967297.fc1.bias", NOT_WHISPER,
        "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers.01.fc1.bias", NOT_WHISPER,
        "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers.-1.fc1.bias", NOT_WHISPER,
        "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers..fc1.bias", NOT_WHISPER,
        "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers.1.fc1.lora_A", NOT_WHISPER,
        "layers.1.fc1.lora_A" },
    { "layers.1.fc1.bias", "", NOT_WHISPER, "layers.1.fc1.bias" },
    { "layers.1.fc1.bias", PREFIX "layers.1.fc1.bi\\u0061s", CORRUPT,
        "an escape in a name" },
    { "layers.1.fc1.bias", "\\ud800", CORRUPT, "half a surrogate" },
    { "layers.1.fc1.bias", "\\u12", CORRUPT, "\\u without four" },
    { "layers.1.fc1.bias", "\\x", CORRUPT, "unknown escape" },
    { "layers.1.fc1.bias", "\\u0000", CORRUPT, "a NUL character" },
    { "layers.1.fc1.bias", "a\nb", CORRUPT, "a control character" },
    { "layers.1.fc1.bias", "a\"b", CORRUPT, "\":\" was expected" },
    { "layers.1.fc1.bias", "\xff\xfe", CORRUPT, "not UTF-8" },
    { "layers.1.fc1.bias", "\xc0\xaf", CORRUPT, "not UTF-8" },
    { "layers.1.fc1.bias", "\xed\xa0\x80", CORRUPT, "not UTF-8" },
    { "layers.1.fc1.bias", "__metadata__", CORRUPT, "__metadata__" },
    { "conv1.weight", "encoder.conv1.weight", NOT_WHISPER, "two encoders" },
  };
  FixtureFile *file;
  gchar *name;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    file = sound_file ();
    fixture_replace (
        &fixture_file_find (file, cases[i].from)->name, "%s", cases[i].to);
    forge_assert_file (cases[i].to, file, cases[i].code, cases[i].expected);
  }
  file = sound_file ();
  name = g_strnfill (257, 'n');
  fixture_file_append (file, name, "F16", "[1]", 2);
  forge_assert_file ("long name", file, CORRUPT, "more than 256 bytes");
  g_free (name);
  forge_assert_count (G_N_ELEMENTS (cases) + 1);
}
GST_END_TEST;

/* Sound files of something else. */
GST_START_TEST (test_not_whisper)
{
  static const struct {
    const gchar *rename, *expected;
  } cases[] = {
    { "model.decoder.", "holds a decoder" },
    { "decoder.", "holds a decoder" },
    { "bert.encoder.", "are not a Whisper encoder's" },
    { "model.", "are not a Whisper encoder's" },
  };
  FixtureFile *file;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    forge_assert_file (cases[i].rename,
        fixture_file_new (model, "F16", cases[i].rename), NOT_WHISPER,
        cases[i].expected);

  /* BART's names are Whisper's, as far as they go. */
  file = fixture_file_new (model, "F16", "encoder.");
  fixture_file_remove (file, "conv1.weight");
  fixture_file_remove (file, "conv1.bias");
  fixture_file_remove (file, "conv2.weight");
  fixture_file_remove (file, "conv2.bias");
  forge_assert_file ("BART", file, NOT_WHISPER, "\"encoder.conv1.weight\"");

  file = sound_file ();
  g_ptr_array_set_size (file->entries, 0);
  forge_assert_file ("no tensors", file, NOT_WHISPER, "no tensors");

  file = sound_file ();
  g_ptr_array_set_size (file->entries, NPU_WEIGHT_FIRST_OF_LAYER);
  forge_assert_file ("no layers", file, NOT_WHISPER, "layers.0.");

  file = sound_file ();
  fixture_file_append (file, "encoder.conv1.weight", "F16", "[1]", 2);
  forge_assert_file ("two encoders", file, NOT_WHISPER, "two encoders");
  forge_assert_count (G_N_ELEMENTS (cases) + 4);
}
GST_END_TEST;

/* Whole models whose sizes no Whisper encoder has. */
GST_START_TEST (test_sizes)
{
  static const struct {
    FixtureSizes sizes;
    const gchar *expected;
  } cases[] = {
    { { 80, 32, 64, 1, 4 }, "conv1.weight\": shape[0] is 32" },
    { { 80, 96, 64, 1, 4 }, "conv1.weight\": shape[0] is 96" },
    { { 80, 0, 64, 1, 4 }, "conv1.weight\": shape[0] is 0" },
    { { 64, 64, 64, 1, 4 }, "shape[1] is 64" },
    { { 0, 64, 64, 1, 4 }, "conv1.weight\": shape[1] is 0" },
    { { 129, 64, 64, 1, 4 }, "conv1.weight\": shape[1] is 129" },
    { { 80, 64, 63, 1, 4 }, "fc1.weight\": shape[0] is 63" },
    { { 80, 64, 0, 1, 4 }, "fc1.weight\": shape[0] is 0" },
    { { 80, 64, 16448, 1, 4 }, "fc1.weight\": shape[0] is 16448" },
    { { 80, 64, 64, 1, 0 }, "embed_positions.weight\": shape[0] is 0" },
    { { 80, 64, 64, 1, 1501 }, "embed_positions.weight\": shape[0] is 1501" },
  };
  FixtureFile *file;
  FixtureEntry *entry;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GPtrArray *other = fixture_model_new (&cases[i].sizes);

    forge_assert_file (cases[i].expected,
        fixture_file_new (other, "F16", PREFIX), SHAPE, cases[i].expected);
    g_ptr_array_unref (other);
  }
  file = sound_file ();
  entry = fixture_file_find (file, "conv1.weight");
  g_byte_array_set_size (entry->data, 2 * 64);
  fixture_replace (&entry->shape, "[64]");
  fixture_file_place (file);
  forge_assert_file ("flat", file, SHAPE, "conv1.weight\": a shape of 1");
  forge_assert_count (G_N_ELEMENTS (cases) + 1);
}
GST_END_TEST;

/* Each tensor's data cut off, and every other boundary of the file. */
GST_START_TEST (test_truncated)
{
  FixtureFile *file = sound_file ();
  GByteArray *bytes = fixture_file_bytes (file);
  gchar *header = fixture_file_header (file);
  gsize data = 8 + strlen (header), end = data;
  guint i;

  forge_assert_bytes ("empty", bytes->data, 0, CORRUPT, "empty");
  for (i = 1; i < 8; i++)
    forge_assert_bytes ("length", bytes->data, i, CORRUPT, "too few");
  forge_assert_bytes ("no header", bytes->data, 8, CORRUPT, "header length");
  forge_assert_bytes ("brace", bytes->data, 9, CORRUPT, "header length");
  forge_assert_bytes (
      "header", bytes->data, data - 1, CORRUPT, "header length");
  forge_assert_bytes ("data", bytes->data, data, CORRUPT, "data_offsets");
  for (i = 0; i < file->entries->len; i++) {
    FixtureEntry *entry = g_ptr_array_index (file->entries, i);

    forge_assert_bytes (
        entry->name, bytes->data, end + 1, CORRUPT, "data_offsets");
    end += entry->data->len;
    forge_assert_bytes (
        entry->name, bytes->data, end - 1, CORRUPT, "data_offsets");
  }
  fail_unless_equals_int64 (end, bytes->len);
  forge_assert_count (12 + 2 * model->len);
  g_free (header);
  g_byte_array_unref (bytes);
  fixture_file_free (file);
}
GST_END_TEST;

/* The tensors must fill the payload, each byte once. */
GST_START_TEST (test_coverage)
{
  FixtureFile *file = sound_file ();
  FixtureEntry *entry;
  guint i;

  g_byte_array_append (file->tail, (const guint8 *) "x", 1);
  forge_assert_file ("tail", file, CORRUPT, "1 bytes after the last tensor");

  for (i = 0; i + 1 < model->len; i += 3) {
    file = sound_file ();
    entry = g_ptr_array_index (file->entries, i);
    g_byte_array_append (entry->data, (const guint8 *) "xy", 2);
    fixture_file_place (file);
    fixture_entry_place (entry, entry->begin, entry->data->len - 2);
    forge_assert_file ("gap", file, CORRUPT, "leave a gap of 2 bytes");
  }
  for (i = 0; i + 1 < model->len; i += 3) {
    file = sound_file ();
    entry = g_ptr_array_index (file->entries, i + 1);
    fixture_entry_place (entry, entry->begin - 2, entry->data->len);
    forge_assert_file ("overlap", file, CORRUPT, "overlap");
  }
  /* An empty tensor inside another one. */
  file = sound_file ();
  entry = fixture_file_append (file, "empty", "F16", "[0]", 0);
  fixture_replace (&entry->offsets, "[2,2]");
  forge_assert_file ("empty inside", file, CORRUPT, "overlap");

  /* A tensor that nobody needs is checked as the others are. */
  file = sound_file ();
  entry = fixture_file_append (file, "model.decoder.x", "F16", "[3]", 6);
  fixture_replace (&entry->shape, "[4]");
  forge_assert_file ("decoder", file, CORRUPT, "\"model.decoder.x\"");
  forge_assert_count (3 + 2 * (model->len / 3));
}
GST_END_TEST;

GST_START_TEST (test_header_length)
{
  static const guint64 lengths[] = { 0, 1, 2, 7, 16777216, 16777217, 100000000,
    0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    G_GUINT64_CONSTANT (0x7fffffffffffffff),
    G_GUINT64_CONSTANT (0x8000000000000000),
    G_GUINT64_CONSTANT (0xfffffffffffffff7),
    G_GUINT64_CONSTANT (0xfffffffffffffff8),
    G_GUINT64_CONSTANT (0xffffffffffffffff) };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (lengths); i++) {
    FixtureFile *file = sound_file ();

    file->length_is_forged = TRUE;
    file->length = lengths[i];
    forge_assert_file ("length", file, CORRUPT, "header");
  }
  for (i = 0; i < 2; i++) {
    FixtureFile *file = sound_file ();
    gchar *header = fixture_file_header (file);

    file->length_is_forged = TRUE;
    file->length = strlen (header) + (i == 0 ? -1 : 1);
    forge_assert_file (
        "length", file, CORRUPT, i == 0 ? "was expected" : "follows");
    g_free (header);
  }
  forge_assert_count (G_N_ELEMENTS (lengths) + 2);
}
GST_END_TEST;

/* Headers that are not JSON, or JSON of another kind. */
GST_START_TEST (test_header_text)
{
  static const struct {
    const gchar *text, *expected;
  } cases[] = {
    { " ", "not a JSON object" },
    { "[]", "not a JSON object" },
    { "\"x\"", "not a JSON object" },
    { "null", "not a JSON object" },
    { "12", "not a JSON object" },
    { "}", "not a JSON object" },
    { "/*x*/{}", "not a JSON object" },
    { "\xef\xbb\xbf{}", "not a JSON object" },
    { "{", "a string was expected" },
    { "{\"", "a string does not end" },
    { "{\"a", "a string does not end" },
    { "{\"a\\", "a string does not end" },
    { "{\"a\"", "\":\" was expected" },
    { "{\"a\":", "the text ends too early" },
    { "{\"a\":{", "a string was expected" },
    { "{\"a\":{}", "\",\" or \"}\" was expected" },
    { "{\"a\":[", "the text ends too early" },
    { "{\"a\":[1", "\",\" or \"]\" was expected" },
    { "{\"a\":[1,", "the text ends too early" },
    { "{\"a\":[1,]}", "a value was expected" },
    { "{\"a\":[1}", "\",\" or \"]\" was expected" },
    { "{\"a\":1]", "\",\" or \"}\" was expected" },
    { "{\"a\":1,}", "a string was expected" },
    { "{,}", "a string was expected" },
    { "{a:1}", "a string was expected" },
    { "{'a':1}", "a string was expected" },
    { "{1:1}", "a string was expected" },
    { "{\"a\"=1}", "\":\" was expected" },
    { "{\"a\":1 \"b\":2}", "\",\" or \"}\" was expected" },
    { "{\"a\":/**/1}", "a value was expected" },
    { "{\"a\":tru}", "a value was expected" },
    { "{\"a\":TRUE}", "a value was expected" },
    { "{\"a\":-}", "a value was expected" },
    { "{\"a\":+1}", "a value was expected" },
    { "{\"a\":.5}", "a value was expected" },
    { "{\"a\":1.}", "decimal point" },
    { "{\"a\":1e}", "exponent" },
    { "{\"a\":1e+}", "exponent" },
    { "{\"a\":0x10}", "\",\" or \"}\" was expected" },
    { "{\"a\":00}", "begins with 0" },
    { "{\"a\":-01}", "begins with 0" },
    { "{\"a\":\"\\ud800\\u0041\"}", "half a surrogate" },
    { "{\"a\":\"\\udc00\\ud800\"}", "half a surrogate" },
    { "{\"a\":\"\t\"}", "a control character" },
    { "{\"a\":1,\"a\":2}", "\"a\": the name is there twice" },
    { "{}{}", "something follows" },
    { "{} x", "something follows" },
    { "{}", "bytes after the last tensor" },
    { "{\"__metadata__\":5}", "\"__metadata__\" is not a JSON object" },
    { "{\"__metadata__\":[]}", "\"__metadata__\" is not a JSON object" },
    { "{\"__metadata__\":{\"a\":1}}", "\"a\" is not a string" },
    { "{\"__metadata__\":{\"a\":{}}}", "\"a\" is not a string" },
    { "{\"__metadata__\":{\"a\":null}}", "\"a\" is not a string" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}",
        "\"__metadata__\": the name is there twice" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_header (cases[i].text, cases[i].text, strlen (cases[i].text),
        cases[i].expected);
  assert_header ("NUL", "{\0}", 3, "a string was expected");
  assert_header ("NUL in a name", "{\"a\0b\":1}", 9, "a control character");
  assert_header ("NUL after", "{}\0", 3, "something follows");
  forge_assert_count (G_N_ELEMENTS (cases) + 3);
}
GST_END_TEST;

/* "{" + a value of @n times @open, then @n times @close + "}" */
static void
assert_bomb (const gchar *what, const gchar *open, const gchar *middle,
    const gchar *close, guint n, const gchar *field)
{
  GString *text = g_string_new ("{\"a\":");
  guint i;

  for (i = 0; i < n; i++)
    g_string_append (text, open);
  g_string_append (text, middle);
  for (i = 0; i < n; i++)
    g_string_append (text, close);
  g_string_append_c (text, '}');
  assert_header (what, text->str, text->len, field);
  g_string_free (text, TRUE);
}

/* Small files that ask for much: stack, memory, time. */
GST_START_TEST (test_header_bombs)
{
  GString *text = g_string_new ("{");
  guint i;

  assert_bomb ("deep arrays", "[", "", "]", 1000000, "nested too deeply");
  assert_bomb (
      "deep objects", "{\"a\":", "1", "}", 1000000, "nested too deeply");
  assert_bomb ("deep, open", "[{\"a\":", "", "", 1000000, "nested too deeply");
  assert_bomb ("values", "1,", "1", "", 2000000, "a string was expected");
  assert_bomb ("long array", "", "[", "1,", 2000000, "more than 200000");
  assert_bomb ("long number", "9", "", "", 10000000, "a number larger");
  assert_bomb ("long fraction", "", "0.", "0", 10000000, "not a JSON object");
  assert_bomb ("spaces", " ", "", "", 10000000, "a value was expected");
  for (i = 0; i < 1000000; i++)
    g_string_append_printf (text, "\"%x\":{},", i);
  assert_header ("entries", text->str, text->len, "more than 200000");
  g_string_assign (text, "{");
  for (i = 0; i < 20; i++)
    g_string_append_printf (text,
        "\"t%u\":{\"dtype\":\"F32\",\"shape\":"
        "[9007199254740992],\"data_offsets\":[0,9007199254740992]},",
        i);
  g_string_append (text, "\"x\":{}}");
  assert_header ("huge", text->str, text->len, "after the end of the file");
  g_string_free (text, TRUE);
  forge_assert_count (10);
}
GST_END_TEST;

static Suite *
whispermodel_safetensors_suite (void)
{
  Suite *suite = suite_create ("whispermodel-safetensors");
  TCase *forged = tcase_create ("forged");

  suite_add_tcase (suite, forged);
  tcase_add_checked_fixture (forged, setup, teardown);
  tcase_add_test (forged, test_fields);
  tcase_add_test (forged, test_every_tensor);
  tcase_add_test (forged, test_not_finite);
  tcase_add_test (forged, test_names);
  tcase_add_test (forged, test_not_whisper);
  tcase_add_test (forged, test_sizes);
  tcase_add_test (forged, test_truncated);
  tcase_add_test (forged, test_coverage);
  tcase_add_test (forged, test_header_length);
  tcase_add_test (forged, test_header_text);
  tcase_add_test (forged, test_header_bombs);
  return suite;
}

GST_CHECK_MAIN (whispermodel_safetensors);
