/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whisperforge.h: holds a forged weight file against what must be said of it.
 */
#ifndef WHISPER_FORGE_H
#define WHISPER_FORGE_H

#include "whisperfixture.h"

/* Opens the bytes as a file and fails the test unless that gives @code and a
 * message with the file's name and @field.  @what is for the test's report.
 * Counts the files. */
void forge_assert_bytes (const gchar *what, const void *bytes, gsize size,
    WhisperModelError code, const gchar *field);

/* The same for a safetensors fixture, which is freed. */
void forge_assert_file (const gchar *what, FixtureFile *file,
    WhisperModelError code, const gchar *field);

/* Fails unless at least @least files were refused since the last call. */
void forge_assert_count (guint least);

#endif /* WHISPER_FORGE_H */
