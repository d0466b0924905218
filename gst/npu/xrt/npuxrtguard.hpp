/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * npuxrtguard.hpp: how the bridge's functions end: with a number and a text,
 * and never with an exception.  Knows nothing of XRT.
 */
#ifndef NPU_XRT_GUARD_HPP
#define NPU_XRT_GUARD_HPP

#include "npuxrt.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

namespace npuxrt
{

struct Failure {
  int code;
  bool refused;
  char text[NPU_XRT_TEXT_BYTES];
};

inline Failure
make_failure (int code, bool refused, const char *format, va_list args)
{
  Failure failure{ code, refused, "" };

  std::vsnprintf (failure.text, sizeof failure.text, format, args);
  return failure;
}

/* Ends a function before XRT is called: the caller's fault. */
[[noreturn]] inline void __attribute__ ((format (printf, 2, 3)))
refuse (int code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  Failure failure = make_failure (code, true, format, args);
  va_end (args);
  throw failure;
}

/* Ends a function for a reason that is not the caller's fault. */
[[noreturn]] inline void __attribute__ ((format (printf, 2, 3)))
fail (int code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  Failure failure = make_failure (code, false, format, args);
  va_end (args);
  throw failure;
}

inline int
report (NpuXrtError *error, int code, bool refused, const char *doing,
    const char *text) noexcept
{
  if (error) {
    error->code = code;
    error->refused = refused;
    std::snprintf (error->text, sizeof error->text, "%s: %s", doing, text);
  }
  return code;
}

/* XRT throws errno's numbers with either sign, and often none. */
inline int
code_of (const std::system_error &e) noexcept
{
  int code = std::abs (e.code ().value ());

  return code ? code : EIO;
}

/* Runs @body; nothing that it throws gets out. */
template <typename Body>
int
guarded (NpuXrtError *error, const char *doing, Body body) noexcept
{
  try {
    body ();
  } catch (const Failure &failure) {
    return report (error, failure.code, failure.refused, doing, failure.text);
  } catch (const std::system_error &e) {
    return report (error, code_of (e), false, doing, e.what ());
  } catch (const std::bad_alloc &) {
    return report (error, ENOMEM, false, doing, "out of memory");
  } catch (const std::exception &e) {
    return report (error, EIO, false, doing, e.what ());
  } catch (...) {
    return report (error, EIO, false, doing, "XRT threw something unknown");
  }
  if (error)
    *error = NpuXrtError{};
  return 0;
}

inline void
require (const void *pointer, const char *name)
{
  if (!pointer)
    refuse (EINVAL, "no %s was given", name);
}

} /* namespace npuxrt */

#endif /* NPU_XRT_GUARD_HPP */
