/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifests of NPU designs: what is read of a sound one, and that each field
 * is refused by its name when it is missing, there twice, or of another type
 * or value than docs/npu-designs.md allows.
 */
#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "designfixture.h"
#include "npumanifest.h"

#define PATH "designs/test/manifest.json"
#define MANIFEST NPU_DESIGN_ERROR_MANIFEST
#define UNSUPPORTED NPU_DESIGN_ERROR_UNSUPPORTED

static gchar *sound_text;

static void
setup (void)
{
  DesignFixture *design = design_fixture_new ();

  sound_text = design_fixture_manifest (design);
  design_fixture_free (design);
}

static void
teardown (void)
{
  g_clear_pointer (&sound_text, g_free);
}

/* In memory of its own, so that a sanitizer sees every step beyond it. */
static NpuManifest *
parse (const gchar *text, gsize length, GError **error)
{
  gchar *copy = g_memdup2 (text, length);
  NpuManifest *manifest = npu_manifest_parse (copy, length, PATH, error);

  g_free (copy);
  return manifest;
}

static void
assert_refused (const gchar *what, const gchar *text, gsize length,
    NpuDesignError code, const gchar *field)
{
  GError *error = NULL;

  fail_unless (
      parse (text, length, &error) == NULL, "%s: accepted: %s", what, text);
  fail_unless (strstr (error->message, PATH ": ") != NULL);
  design_assert_error (what, error, code, field);
}

GST_START_TEST (test_sound)
{
  GError *error = NULL;
  NpuManifest *manifest = parse (sound_text, strlen (sound_text), &error);
  const NpuManifestSequence *mix;
  const NpuManifestArgument *argument;
  const NpuManifestTool *tool;

  fail_unless (manifest != NULL, "%s", error ? error->message : "no error");
  fail_unless_equals_string (manifest->name, "test");
  fail_unless_equals_int (manifest->generation, 3);
  fail_unless_equals_int (manifest->columns, 2);
  fail_unless_equals_string (manifest->kernel, "MLIR_AIE");
  fail_unless_equals_int (manifest->toolchain->len, 2);
  /* in any order */
  tool = g_ptr_array_index (manifest->toolchain, 0);
  if (strcmp (tool->name, "llvm-aie") != 0)
    tool = g_ptr_array_index (manifest->toolchain, 1);
  fail_unless_equals_string (tool->name, "llvm-aie");
  fail_unless_equals_string (tool->version, "19.0");
  fail_unless_equals_string (manifest->xclbin.name, "test.xclbin");
  fail_unless_equals_int (strlen (manifest->xclbin.sha256), 64);
  fail_unless_equals_int (manifest->sequences->len, 2);
  mix = npu_manifest_find_sequence (manifest, "mix");
  fail_unless (mix == g_ptr_array_index (manifest->sequences, 1));
  fail_unless (npu_manifest_find_sequence (manifest, "none") == NULL);
  fail_unless_equals_uint64 (npu_manifest_sequence_get_size (mix, "k"), 8);
  fail_unless_equals_uint64 (npu_manifest_sequence_get_size (mix, "x"), 0);
  fail_unless_equals_string (mix->insts.name, "mix.bin");
  fail_unless_equals_int (mix->arguments->len, 4);
  argument = g_ptr_array_index (mix->arguments, 0);
  fail_unless_equals_string (argument->name, "a");
  fail_unless_equals_int (argument->kind, NPU_ARGUMENT_DATA);
  fail_unless_equals_int (argument->direction, NPU_ARGUMENT_IN);
  fail_unless_equals_int (argument->element, NPU_ELEMENT_BF16);
  fail_unless_equals_int (argument->n_dims, 2);
  fail_unless_equals_uint64 (argument->dims[1], 8);
  fail_unless_equals_uint64 (argument->bytes, 64);
  argument = g_ptr_array_index (mix->arguments, 2);
  fail_unless_equals_int (argument->kind, NPU_ARGUMENT_SCRATCH);
  fail_unless_equals_int (argument->direction, NPU_ARGUMENT_INOUT);
  /* a, w and c in; c out */
  fail_unless_equals_uint64 (npu_manifest_sequence_get_answer_bytes (mix), 256);
  fail_unless_equals_int (manifest->known_sequence, 0);
  fail_unless_equals_string (manifest->known_answer.name, "copy.answer");
  fail_unless_equals_float (manifest->tolerance, 0.25);
  npu_manifest_free (manifest);
}
GST_END_TEST;

/* ---- every field, generated ---- */

/* What can be put in the place of a value. */
static const gchar *const values[] = { NULL /* missing */, "null", "true", "-1",
  "1.5", "1e300", "\"\"", "\"\\u0007\"", "[]", "{}", "[{}]",
  "9007199254740992" };

static gchar *
print (JsonNode *root)
{
  return json_to_string (root, FALSE);
}

static void
try_values (JsonNode *root, JsonObject *object, const gchar *field)
{
  JsonNode *old = json_node_ref (json_object_get_member (object, field));
  guint i;

  for (i = 0; i < G_N_ELEMENTS (values); i++) {
    gchar *text;

    if (!values[i] && strlen (field) == 1)
      continue; /* of several sizes one may be missing */
    if (values[i])
      json_object_set_member (
          object, field, json_from_string (values[i], NULL));
    else
      json_object_remove_member (object, field);
    text = print (root);
    assert_refused (values[i] ? values[i] : "missing", text, strlen (text),
        MANIFEST, field);
    g_free (text);
  }
  json_object_set_member (object, field, old);
}

/* A field more, whose name is like that of @field. */
static void
try_another (JsonNode *root, JsonObject *object, const gchar *field)
{
  gchar *name = g_strconcat (field, "X", NULL), *text;

  json_object_set_int_member (object, name, 1);
  text = print (root);
  assert_refused ("another", text, strlen (text), MANIFEST, name);
  json_object_remove_member (object, name);
  g_free (text);
  g_free (name);
}

static gpointer
copy_name (gconstpointer name, gpointer data)
{
  return g_strdup (name);
}

static void
try_object (JsonNode *root, JsonObject *object)
{
  GList *members = json_object_get_members (object), *f;
  /* Names of their own: members are removed and put back. */
  GList *fields = g_list_copy_deep (members, copy_name, NULL);
  guint i;

  for (f = fields; f; f = f->next) {
    JsonNode *node = json_object_get_member (object, f->data);

    /* The tools' versions are free text, of which one may be missing. */
    if (strstr (f->data, "-aie"))
      continue;
    if (JSON_NODE_HOLDS_OBJECT (node))
      try_object (root, json_node_get_object (node));
    else if (JSON_NODE_HOLDS_ARRAY (node)) {
      JsonArray *array = json_node_get_array (node);

      for (i = 0; i < json_array_get_length (array); i++) {
        node = json_array_get_element (array, i);
        if (JSON_NODE_HOLDS_OBJECT (node))
          try_object (root, json_node_get_object (node));
      }
    }
    try_values (root, object, f->data);
    try_another (root, object, f->data);
  }
  g_list_free (members);
  g_list_free_full (fields, g_free);
}

GST_START_TEST (test_every_field)
{
  JsonNode *root = json_from_string (sound_text, NULL);

  fail_unless (root != NULL);
  try_object (root, json_node_get_object (root));
  design_assert_count (800);
  json_node_unref (root);
}
GST_END_TEST;

/* Each name of a field twice in its object. */
GST_START_TEST (test_duplicates)
{
  const gchar *p = sound_text;
  guint n = 0;

  while ((p = strstr (p, "\": "))) {
    const gchar *begin = p;
    gchar *name, *text, *expected;

    while (begin[-1] != '"')
      begin--;
    name = g_strndup (begin, p - begin);
    text = g_strdup_printf ("%.*s\"%s\": 0, %s",
        (gint) (begin - 1 - sound_text), sound_text, name, begin - 1);
    expected = g_strdup_printf ("\"%s\": the name is there twice", name);
    assert_refused ("twice", text, strlen (text), MANIFEST, expected);
    g_free (expected);
    g_free (text);
    g_free (name);
    p++;
    n++;
  }
  design_assert_count (n);
  fail_unless (n > 60, "%u", n);
}
GST_END_TEST;

/* ---- what fields say of each other, and of the world ---- */

GST_START_TEST (test_claims)
{
  static const struct {
    const gchar *old, *by;
    NpuDesignError code;
    const gchar *expected;
  } cases[] = {
    { "\"version\": 1,", "\"version\": 2,", UNSUPPORTED, "version: is 2" },
    { "\"version\": 1,", "\"version\": 0,", MANIFEST, "version: is 0" },
    { "\"version\": 1,", "\"version\": 2, \"new\": 1,", UNSUPPORTED,
        "version: is 2" },
    { "gst-npu-design\"", "gst-npu\"", MANIFEST, "format: is not one of" },
    { "\"name\": \"test\"", "\"name\": \"Test\"", MANIFEST, "name: \"Test\"" },
    { "\"name\": \"test\"", "\"name\": \"1st\"", MANIFEST, "name: \"1st\"" },
    { "\"name\": \"test\"", "\"name\": \"te/st\"", MANIFEST, "name: " },
    { "\"name\": \"test\"", "\"name\": \"t\xc3\xa9st\"", MANIFEST, "name: " },
    { "\"generation\": 3", "\"generation\": 2", MANIFEST, "generation: is 2" },
    { "\"generation\": 3", "\"generation\": 5", MANIFEST, "generation: is 5" },
    { "\"columns\": 2", "\"columns\": 0", MANIFEST, "columns: is 0" },
    { "\"columns\": 2", "\"columns\": 5", MANIFEST, "columns: is 5" },
    { "\"MLIR_AIE\"", "\"MLIR.*\"", MANIFEST, "kernel: \"MLIR.*\"" },
    { "\"MLIR_AIE\"", "\"MLIR_AIE:{a}\"", MANIFEST, "kernel: " },
    { "\"mlir-aie\": \"1.1.0\"", "\"mlir-aie\": \"\"", MANIFEST,
        "toolchain.mlir-aie" },
    { "\"mlir-aie\": \"1.1.0\"", "\"mlir-aie\": 1", MANIFEST,
        "toolchain.mlir-aie" },
    { "\"mlir-aie\": \"1.1.0\"", "\"MLIR\": \"1\"", MANIFEST,
        "toolchain.MLIR" },
    { "\"mlir-aie\": \"1.1.0\"", "\"mlir-aie\": \"1\\n\"", MANIFEST,
        "toolchain.mlir-aie" },
    { "{ \"mlir-aie\": \"1.1.0\", \"llvm-aie\": \"19.0\" }", "{}", MANIFEST,
        "toolchain: names 0" },
    { "\"test.xclbin\"", "\"../test.xclbin\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\"/etc/passwd\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\"a/../../b\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\"sub/test.xclbin\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\"..\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\".\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\".hidden\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\"a\\u002fb\"", MANIFEST, "xclbin.file" },
    { "\"test.xclbin\"", "\"a\\\\b\"", MANIFEST, "xclbin.file" },
    { "\"copy.bin\"", "\"../copy.bin\"", MANIFEST, "sequences[0].insts.file" },
    { "\"mix.bin\"", "\"~/mix.bin\"", MANIFEST, "sequences[1].insts.file" },
    { "\"copy.answer\"", "\"/dev/zero\"", MANIFEST, "known_answer.file" },
    { "\"n\": 64 }", "\"n\": 0 }", MANIFEST, "sequences[0].sizes.n: is 0" },
    { "\"n\": 64 }", "\"n\": 2147483648 }", MANIFEST, "sequences[0].sizes.n" },
    { "\"n\": 64 }", "\"n\": \"64\" }", MANIFEST, "sequences[0].sizes.n" },
    { "\"n\": 64 }", "}", MANIFEST, "sequences[0].sizes: has 0 sizes" },
    { "\"name\": \"mix\"", "\"name\": \"copy\"", MANIFEST,
        "sequences[1].name: \"copy\"" },
    { "\"name\": \"to\"", "\"name\": \"from\"", MANIFEST,
        "sequences[0].arguments[1].name: \"from\"" },
    { "\"name\": \"w\", \"kind\": \"constant\"",
        "\"name\": \"w\", \"kind\": \"weights\"", MANIFEST,
        "sequences[1].arguments[1].kind: is not one of" },
    { "\"constant\", \"direction\": \"in\"",
        "\"constant\", \"direction\": \"out\"", MANIFEST,
        "sequences[1].arguments[1].direction" },
    { "\"scratch\", \"direction\": \"inout\"",
        "\"scratch\", \"direction\": \"in\"", MANIFEST,
        "sequences[1].arguments[2].direction" },
    { "\"to\", \"kind\": \"data\", \"direction\": \"out\"",
        "\"to\", \"kind\": \"data\", \"direction\": \"in\"", MANIFEST,
        "sequences[0].arguments: none" },
    { "\"to\", \"kind\": \"data\", \"direction\": \"out\"",
        "\"to\", \"kind\": \"data\", \"direction\": \"up\"", MANIFEST,
        "sequences[0].arguments[1].direction" },
    { "\"f32\"", "\"f64\"", MANIFEST, "sequences[1].arguments[3].type" },
    { "\"f32\"", "\"bf16\"", MANIFEST, "sequences[1].arguments[3].bytes" },
    { "[4, 4]", "[4, 5]", MANIFEST, "sequences[1].arguments[3].bytes" },
    { "[4, 4]", "[4, 0]", MANIFEST, "shape: element 1" },
    { "[4, 4]", "[4, -4]", MANIFEST, "shape: element 1" },
    { "[4, 4]", "[4, \"4\"]", MANIFEST, "shape: element 1" },
    { "[4, 4]", "[[4], 4]", MANIFEST, "shape: element 0" },
    { "[4, 4]", "[4, null]", MANIFEST, "shape: element 1" },
    { "[4, 4]", "[2, 2, 2, 2, 1]", MANIFEST, "shape: has 5 elements" },
    { "[4, 4]", "[2147483647, 2147483647, 2147483647, 2147483647]", MANIFEST,
        "shape: is larger" },
    { "[128], \"bytes\": 128", "[130], \"bytes\": 130", MANIFEST,
        "sequences[1].arguments[2].bytes: is 130" },
    { "[128], \"bytes\": 128", "[128], \"bytes\": 1073741825", MANIFEST,
        "sequences[1].arguments[2].bytes: is 1073741825" },
    { "\"sequence\": \"copy\"", "\"sequence\": \"mix\"", MANIFEST,
        "known_answer.bytes: is 128" },
    { "\"sequence\": \"copy\"", "\"sequence\": \"none\"", MANIFEST,
        "known_answer.sequence" },
    { "\"tolerance\": 0.25", "\"tolerance\": 1.25", MANIFEST,
        "known_answer.tolerance" },
    { "\"tolerance\": 0.25", "\"tolerance\": -0.25", MANIFEST,
        "known_answer.tolerance" },
    { "\"tolerance\": 0.25", "\"tolerance\": 1e999", MANIFEST,
        "known_answer.tolerance" },
    { "{\n", "[{\n", MANIFEST, "not a JSON object" },
    { "\"columns\": 2,", "\"columns\": 2", MANIFEST, "byte" },
    { "\"columns\": 2,", "\"columns\": 2, // two\n", MANIFEST, "byte" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *text = design_replace (sound_text, cases[i].old, cases[i].by);

    assert_refused (
        cases[i].by, text, strlen (text), cases[i].code, cases[i].expected);
    g_free (text);
  }
  design_assert_count (G_N_ELEMENTS (cases));
}
GST_END_TEST;

/* What is no hash, for each of the four. */
GST_START_TEST (test_hashes)
{
  gchar *p = sound_text;
  guint n = 0;

  while ((p = strstr (p, "\"sha256\": \""))) {
    gchar first = *(p += strlen ("\"sha256\": \""));

    *p = 'A';
    assert_refused ("A", sound_text, strlen (sound_text), MANIFEST, "sha256");
    *p = 'g';
    assert_refused ("g", sound_text, strlen (sound_text), MANIFEST, "sha256");
    *p = '"';
    p[1] = ' ';
    assert_refused ("\"", sound_text, strlen (sound_text), MANIFEST, "sha256");
    *p = first;
    p[1] = '0';
    n++;
  }
  fail_unless_equals_int (n, 4);
  design_assert_count (12);
}
GST_END_TEST;

/* Too much of anything. */
GST_START_TEST (test_too_many)
{
  GString *many = g_string_new ("\"a\": \"1\"");
  gchar *text, *spaces;
  guint i;

  for (i = 0; i < 16; i++)
    g_string_append_printf (many, ", \"b%u\": \"1\"", i);
  text = design_replace (
      sound_text, "\"mlir-aie\": \"1.1.0\", \"llvm-aie\": \"19.0\"", many->str);
  assert_refused (
      "tools", text, strlen (text), MANIFEST, "toolchain: names 17");
  g_free (text);
  g_string_assign (many, "\"a\": 1");
  for (i = 0; i < 16; i++)
    g_string_append_printf (many, ", \"b%u\": 1", i);
  text = design_replace (sound_text, "\"n\": 64", many->str);
  assert_refused (
      "sizes", text, strlen (text), MANIFEST, "sequences[0].sizes: has 17");
  g_free (text);
  g_string_assign (many, "\"arguments\": [{}");
  for (i = 0; i < 16; i++)
    g_string_append (many, ", {}");
  g_string_append (many, "], \"x\": [\n        { \"name\": \"from\"");
  text = design_replace (
      sound_text, "\"arguments\": [\n        { \"name\": \"from\"", many->str);
  assert_refused ("arguments", text, strlen (text), MANIFEST, "sequences[0]");
  g_free (text);
  spaces = g_strnfill (1 << 20, ' ');
  text = g_strconcat (sound_text, spaces, NULL);
  assert_refused ("bytes", text, strlen (text), MANIFEST, "too many");
  g_free (text);
  g_free (spaces);
  g_string_free (many, TRUE);
  design_assert_count (4);
}
GST_END_TEST;

GST_START_TEST (test_truncated)
{
  gsize length = strlen (sound_text), i;

  assert_refused ("empty", sound_text, 0, MANIFEST, "no text");
  for (i = 1; i < length - 2; i += 7) /* its last byte is a line's end */
    assert_refused ("cut off", sound_text, i, MANIFEST, "byte");
  design_assert_count (length / 7);
}
GST_END_TEST;

static Suite *
npumanifest_suite (void)
{
  Suite *suite = suite_create ("npumanifest");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, test_sound);
  tcase_add_test (tcase, test_every_field);
  tcase_add_test (tcase, test_duplicates);
  tcase_add_test (tcase, test_claims);
  tcase_add_test (tcase, test_hashes);
  tcase_add_test (tcase, test_too_many);
  tcase_add_test (tcase, test_truncated);
  return suite;
}

GST_CHECK_MAIN (npumanifest);
