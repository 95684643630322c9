// What the Expert Advisor's translation unit includes. Its macros would break C++'s own headers, so these come first and
// nothing else includes this file.
#pragma once
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstdio>
#include "api.hpp"

// C's macros of the same names would hide MQL5's.
#undef NULL
#define NULL nullptr
#undef SEEK_SET
#undef SEEK_CUR
#undef SEEK_END
#define SEEK_SET mql::SEEK_SET_
#define SEEK_CUR mql::SEEK_CUR_
#define SEEK_END mql::SEEK_END_
#undef EMPTY_VALUE
#define EMPTY_VALUE DBL_MAX
#define __MQL5__ 1
#define __MQL__ 1

#define _LastError (mql::GetLastError())
#define _StopFlag (mql::IsStopped())
#define _UninitReason (mql::UninitializeReason())
#define _Symbol (mql::Symbol())
#define _Period (mql::Period())
#define _Digits (mql::Digits())
#define _Point (mql::Point())
