/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * amxemulation.h: AMX's tile instructions in plain C, as Intel's manual (SDM,
 * volume 2) defines them, in the place of the compiler's intrinsics.
 *
 * kernels/x86/amx.c is compiled once more for the tests with this file included
 * before it, so the source that runs on AMX runs here on any processor with
 * AVX-512 BF16.  What would be a fault there ends the program here and tells
 * why.  Time is not emulated.
 */
#ifndef AMX_EMULATION_H
#define AMX_EMULATION_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#include "npukernels.h"

/* kernels/x86/amx.c, compiled with this. */
void npu_amx_emulated_init (NpuKernels *kernels);

void amx_emulation_loadconfig (const void *config);
void amx_emulation_release (void);
void amx_emulation_zero (unsigned tile);
void amx_emulation_load (unsigned tile, const void *base, size_t stride);
void amx_emulation_store (unsigned tile, void *base, size_t stride);
void amx_emulation_dpbssd (unsigned dest, unsigned a, unsigned b);
void amx_emulation_dpbf16ps (unsigned dest, unsigned a, unsigned b);

/* Whether this thread's tiles are configured. */
bool amx_emulation_in_use (void);
/* Products of tiles that this thread has computed. */
size_t amx_emulation_products (void);

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbf16ps
#define _tile_loadconfig amx_emulation_loadconfig
#define _tile_release amx_emulation_release
#define _tile_zero amx_emulation_zero
#define _tile_loadd amx_emulation_load
#define _tile_stored amx_emulation_store
#define _tile_dpbssd amx_emulation_dpbssd
#define _tile_dpbf16ps amx_emulation_dpbf16ps

#endif /* AMX_EMULATION_H */
