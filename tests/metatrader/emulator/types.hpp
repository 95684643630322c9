// The types of MQL5 as C++: datetime, string (UTF-16, may be NULL) and arrays (bounds, series flag).
// A misuse that stops an Expert Advisor in the terminal stops the process here.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace mql {
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef uint32_t color;
static_assert(sizeof(long) == 8, "MQL5's long has 64 bits: build for LP64");

// Ends the Expert Advisor as the terminal does on a critical error: nothing of it runs afterwards.
[[noreturn]] void critical(const std::string &why);

struct datetime {
  long v;
  datetime(long seconds = 0) : v(seconds) {}
  operator long() const { return v; }
  datetime &operator+=(long s) { v += s; return *this; }
  datetime &operator-=(long s) { v -= s; return *this; }
};

struct string {
  std::u16string u;
  bool null = true;
  string() {}
  string(std::nullptr_t) {}
  string(std::u16string text) : u(std::move(text)), null(false) {}
  static string from8(const std::string &utf8);
  std::string to8() const;
  string &operator+=(const string &b) { u += b.u; null = false; return *this; }
  // A read past the end is a critical error in MQL5 ("string out of range").
  ushort operator[](long i) const {
    if (i < 0 || (size_t)i >= u.size()) critical("string index out of range");
    return u[i];
  }
};
// NULL and "" are different values in MQL5, and compare as such only with NULL.
inline bool operator==(const string &a, const string &b) { return a.u == b.u && a.null == b.null; }
inline bool operator!=(const string &a, const string &b) { return !(a == b); }
inline bool operator<(const string &a, const string &b) { return a.u < b.u; }
inline bool operator>(const string &a, const string &b) { return b < a; }
inline bool operator<=(const string &a, const string &b) { return !(b < a); }
inline bool operator>=(const string &a, const string &b) { return !(a < b); }
inline string operator+(const string &a, const string &b) { return string(a.u + b.u); }
inline string operator""_S(const char *s, size_t n) { return string::from8(std::string(s, n)); }

// What a fresh element of a number array holds: MQL5 leaves it undefined, so it is made conspicuous.
template <class T> void poison(T *from, size_t n) {
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) memset((void *)from, 0xCD, n * sizeof(T));
}

template <class T> struct MqlArr {
  // bool elements as bytes, so that references to them exist
  struct Cell { T v{}; };
  std::vector<Cell> d;
  bool fixed = false, series = false;
  MqlArr() {}
  MqlArr(std::initializer_list<T> l) { for (auto &x : l) d.push_back({x}); }
  MqlArr(const MqlArr &) = default;  // as a member of a copied structure
  MqlArr &operator=(const MqlArr &o) { d = o.d; return *this; }
  size_t at(long i) const {
    if (i < 0 || (size_t)i >= d.size()) critical("array out of range: index " + std::to_string(i) + " of " + std::to_string(d.size()));
    return series ? d.size() - 1 - (size_t)i : (size_t)i;
  }
  T &operator[](long i) { return d[at(i)].v; }
  const T &operator[](long i) const { return d[at(i)].v; }
  void grow(size_t n) {
    size_t old = d.size();
    d.resize(n);
    if (n > old) poison(&d[old].v, n - old);
  }
};
template <class T, int N> struct MqlFix : MqlArr<T> {
  MqlFix() { this->grow(N); this->fixed = true; }
  MqlFix(std::initializer_list<T> l) : MqlArr<T>(l) { this->d.resize(N); this->fixed = true; }
};

const int WHOLE_ARRAY = -1;
template <class T> int ArraySize(const MqlArr<T> &a) { return (int)a.d.size(); }
template <class T> int ArrayRange(const MqlArr<T> &a, int rank) { return rank == 0 ? (int)a.d.size() : 0; }
template <class T> bool ArrayIsDynamic(const MqlArr<T> &a) { return !a.fixed; }
template <class T> bool ArrayIsSeries(const MqlArr<T> &) { return false; }
template <class T> bool ArrayGetAsSeries(const MqlArr<T> &a) { return a.series; }
template <class T> bool ArraySetAsSeries(const MqlArr<T> &a, bool flag) {
  if (a.fixed) return false;
  const_cast<MqlArr<T> &>(a).series = flag;
  return true;
}
template <class T> int ArrayResize(MqlArr<T> &a, int n, int reserve = 0) {
  if (a.fixed || n < 0) return -1;
  if (reserve > 0 && (size_t)n > a.d.capacity()) a.d.reserve((size_t)n + (size_t)reserve);
  a.grow((size_t)n);
  return n;
}
template <class T> void ArrayFree(MqlArr<T> &a) { if (!a.fixed) { a.d.clear(); a.d.shrink_to_fit(); } }
template <class T, class V> int ArrayInitialize(MqlArr<T> &a, V v) { for (auto &x : a.d) x.v = (T)v; return (int)a.d.size(); }
template <class T, class V> void ArrayFill(MqlArr<T> &a, int start, int n, V v) { for (int i = start; i < start + n; i++) a[i] = (T)v; }
template <class T> int ArrayCopy(MqlArr<T> &to, const MqlArr<T> &from, int to_start = 0, int from_start = 0, int n = WHOLE_ARRAY) {
  if (to_start < 0 || from_start < 0) return 0;
  if (n < 0 || from_start + n > (int)from.d.size()) n = (int)from.d.size() - from_start;
  if (n <= 0) return 0;
  if (to_start + n > (int)to.d.size()) {
    if (to.fixed) n = (int)to.d.size() - to_start;
    else to.grow((size_t)(to_start + n));
  }
  if (n <= 0) return 0;
  std::vector<typename MqlArr<T>::Cell> part(from.d.begin() + from_start, from.d.begin() + from_start + n);
  for (int i = 0; i < n; i++) to.d[(size_t)(to_start + i)] = part[(size_t)i];
  return n;
}
template <class T> bool ArrayRemove(MqlArr<T> &a, uint start, uint n = (uint)WHOLE_ARRAY) {
  if (a.fixed || start >= a.d.size()) return false;
  size_t end = n == (uint)WHOLE_ARRAY ? a.d.size() : std::min((size_t)start + n, a.d.size());
  a.d.erase(a.d.begin() + start, a.d.begin() + (long)end);
  return true;
}
template <class T> bool ArrayReverse(MqlArr<T> &a) {
  for (size_t i = 0, j = a.d.size(); i + 1 < j; i++) std::swap(a.d[i], a.d[--j]);
  return true;
}
template <class T> bool ArraySort(MqlArr<T> &a) {
  std::vector<T> v;
  for (auto &x : a.d) v.push_back(x.v);
  std::sort(v.begin(), v.end());
  for (size_t i = 0; i < v.size(); i++) a.d[i].v = v[i];
  return true;
}
template <class T> int ArrayMaximum(const MqlArr<T> &a) { int m = a.d.empty() ? -1 : 0; for (int i = 1; i < (int)a.d.size(); i++) if (a[m] < a[i]) m = i; return m; }
template <class T> int ArrayMinimum(const MqlArr<T> &a) { int m = a.d.empty() ? -1 : 0; for (int i = 1; i < (int)a.d.size(); i++) if (a[i] < a[m]) m = i; return m; }
template <class T> void ArraySwap(MqlArr<T> &a, MqlArr<T> &b) { std::swap(a.d, b.d); }
template <class T> void ZeroMemory(T &x) { x = T{}; }
template <class T> void ZeroMemory(MqlArr<T> &a) { for (auto &x : a.d) x.v = T{}; }

// An input of the Expert Advisor: the driver sets it by name before OnInit.
struct MqlInput {
  static std::map<std::string, std::function<void(const std::string &)>> &all();
  static long whole(const std::string &s) { return s == "true" ? 1 : s == "false" ? 0 : strtol(s.c_str(), nullptr, 10); }
  template <class T> MqlInput(const char *name, T &v) {
    all()[name] = [&v](const std::string &s) {
      if constexpr (std::is_same_v<T, string>) v = string::from8(s);
      else if constexpr (std::is_floating_point_v<T>) v = (T)strtod(s.c_str(), nullptr);
      else if constexpr (std::is_same_v<T, datetime>) v = datetime(whole(s));
      else v = (T)whole(s);
    };
  }
};
} // namespace mql
