/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperfixture.h: small Whisper encoders and safetensors files of them, sound
 * or forged in any field.  Written from the format's description, apart from
 * the reader that is tested.
 */
#ifndef WHISPER_FIXTURE_H
#define WHISPER_FIXTURE_H

#include "folderfixture.h"
#include "whispermodel.h"

typedef struct {
  guint n_mels, width, ffn, layers, positions;
} FixtureSizes;

/* 80 bands, width 64, ffn 128, 2 layers, 4 positions */
extern const FixtureSizes fixture_tiny;

/* A tensor by its meaning, with values that F16 and BF16 hold exactly. */
typedef struct {
  NpuWeightId id;
  guint layer;
  const gchar *hf_name; /* without prefix and layer number */
  const gchar *openai_name;
  guint n_dims;
  guint64 dims[3];
  gsize n;
  gfloat *values;
} FixtureTensor;

/* Every tensor of an encoder, as FixtureTensor. */
GPtrArray *fixture_model_new (const FixtureSizes *sizes);
FixtureTensor *fixture_model_find (
    GPtrArray *model, NpuWeightId id, guint layer);

/* The value that a view holds at @i. */
gfloat fixture_view_value (const NpuWeightView *view, gsize i);
/* Fails the test unless the model has exactly the fixture's weights. */
void fixture_assert_equal (WhisperModel *model, GPtrArray *fixture);

/* An entry of a safetensors header.  The texts go into the file as they are;
 * NULL leaves the field out. */
typedef struct {
  gchar *name;    /* without quotes */
  gchar *dtype;   /* "\"F16\"" */
  gchar *shape;   /* "[64, 80, 3]" */
  gchar *offsets; /* "[0, 30720]" */
  gchar *extra;   /* after the last field: ",\"x\":1" */
  gchar *instead; /* of the whole value */
  GByteArray *data;
  gsize begin; /* of the data, as fixture_file_place() counts */
} FixtureEntry;

/* Sets the offsets' text. */
void fixture_entry_place (FixtureEntry *entry, gsize begin, gsize size);

typedef struct {
  GPtrArray *entries; /* FixtureEntry, in the order of their data */
  gchar *metadata;    /* "{\"format\":\"pt\"}" or NULL */
  gchar *header;      /* instead of the one that entries make */
  gchar *padding;     /* after the header's closing brace */
  gboolean length_is_forged;
  guint64 length;   /* of the header */
  GByteArray *tail; /* after the last tensor */
} FixtureFile;

/* @dtype: "F32", "F16" or "BF16"; @prefix: "model.encoder.", … */
FixtureFile *fixture_file_new (
    GPtrArray *model, const gchar *dtype, const gchar *prefix);
void fixture_file_free (FixtureFile *file);
/* By the end of its name. */
FixtureEntry *fixture_file_find (FixtureFile *file, const gchar *name);
/* Adds an entry of zeros at the end. */
FixtureEntry *fixture_file_append (FixtureFile *file, const gchar *name,
    const gchar *dtype, const gchar *shape, gsize size);
void fixture_file_remove (FixtureFile *file, const gchar *name);
/* Sets every entry's offsets from the lengths of the data. */
void fixture_file_place (FixtureFile *file);
/* The header's text (transfer full). */
gchar *fixture_file_header (FixtureFile *file);
GByteArray *fixture_file_bytes (FixtureFile *file);

void fixture_replace (gchar **text, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);
/* Converts to what @dtype stores. */
void fixture_append_values (
    GByteArray *data, const gchar *dtype, const gfloat *values, gsize n);

#endif /* WHISPER_FIXTURE_H */
