// MQL5's text: UTF-16 inside, code pages outside, numbers by fixed rules (never by the machine's locale).
#include "api.hpp"
#include <cmath>
#include <cstdio>
#include <ctime>

namespace mql {
string string::from8(const std::string &s) {
  std::u16string o;
  size_t i = 0;
  while (i < s.size()) {
    uint32_t c = (uchar)s[i++];
    int more = c < 0x80 ? 0 : c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;
    if (more > 0) {
      uint32_t v = c & (0x3Fu >> more), low = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
      int got = 0;
      while (got < more && i + (size_t)got < s.size() && ((uchar)s[i + (size_t)got] & 0xC0) == 0x80) v = v << 6 | ((uchar)s[i + (size_t)got++] & 0x3Fu);
      if (got == more && v >= low && v <= 0x10FFFF && !(v >= 0xD800 && v < 0xE000)) { c = v; i += (size_t)more; }
      else more = -1;
    }
    if (more < 0) o += char16_t(0xFFFD);  // as MultiByteToWideChar answers damage
    else if (c >= 0x10000) { c -= 0x10000; o += char16_t(0xD800 + (c >> 10)); o += char16_t(0xDC00 + (c & 0x3FF)); }
    else o += char16_t(c);
  }
  return string(o);
}
std::string string::to8() const {
  std::string o;
  for (size_t i = 0; i < u.size(); i++) {
    uint32_t c = u[i];
    if (c >= 0xD800 && c < 0xDC00 && i + 1 < u.size() && u[i + 1] >= 0xDC00 && u[i + 1] < 0xE000) { c = 0x10000 + ((c - 0xD800) << 10) + (u[i + 1] - 0xDC00u); i++; }
    else if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;
    if (c < 0x80) o += char(c);
    else if (c < 0x800) { o += char(0xC0 | c >> 6); o += char(0x80 | (c & 63)); }
    else if (c < 0x10000) { o += char(0xE0 | c >> 12); o += char(0x80 | (c >> 6 & 63)); o += char(0x80 | (c & 63)); }
    else { o += char(0xF0 | c >> 18); o += char(0x80 | (c >> 12 & 63)); o += char(0x80 | (c >> 6 & 63)); o += char(0x80 | (c & 63)); }
  }
  return o;
}
// CP_ACP stands for Windows-1252 here, as on a Western machine: what it cannot hold becomes a question mark.
string bytes_to_string(const std::string &b, uint codepage) {
  if (codepage == CP_UTF8) return string::from8(b);
  std::u16string o;
  for (char c : b) o += char16_t((uchar)c);
  return string(o);
}
std::string string_to_bytes(const string &s, uint codepage) {
  if (codepage == CP_UTF8) return s.to8();
  std::string o;
  for (char16_t c : s.u) o += c < 0x100 ? char(c) : '?';
  return o;
}

int StringLen(const string &s) { return (int)s.u.size(); }
int StringFind(const string &s, const string &what, int from) {
  if (from < 0 || what.u.empty()) return -1;
  size_t p = s.u.find(what.u, (size_t)from);
  return p == std::u16string::npos ? -1 : (int)p;
}
string StringSubstr(const string &s, int from, int n) {
  if (from < 0 || from >= (int)s.u.size() || n == 0) return string(u"");
  return string(s.u.substr((size_t)from, n < 0 ? std::u16string::npos : (size_t)n));
}
int StringSplit(const string &s, ushort separator, MqlArr<string> &parts) {
  if (parts.fixed) critical("StringSplit needs a dynamic array");
  parts.d.clear();
  if (s.u.empty()) return 0;
  size_t a = 0;
  for (size_t i = 0; i <= s.u.size(); i++)
    if (i == s.u.size() || s.u[i] == separator) { parts.d.push_back({string(s.u.substr(a, i - a))}); a = i + 1; }
  return (int)parts.d.size();
}
int StringReplace(string &s, const string &what, const string &with) {
  if (what.u.empty()) return -1;
  int n = 0;
  for (size_t p = 0; (p = s.u.find(what.u, p)) != std::u16string::npos; p += with.u.size(), n++) s.u.replace(p, what.u.size(), with.u);
  return n;
}
static bool blank(char16_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
int StringTrimLeft(string &s) { size_t n = 0; while (n < s.u.size() && blank(s.u[n])) n++; s.u.erase(0, n); return (int)n; }
int StringTrimRight(string &s) { size_t n = 0; while (!s.u.empty() && blank(s.u.back())) { s.u.pop_back(); n++; } return (int)n; }
bool StringToLower(string &s) { for (auto &c : s.u) if (c >= 'A' && c <= 'Z') c = char16_t(c + 32); return true; }
bool StringToUpper(string &s) { for (auto &c : s.u) if (c >= 'a' && c <= 'z') c = char16_t(c - 32); return true; }
int StringCompare(const string &a, const string &b, bool case_sensitive) {
  string x = a, y = b;
  if (!case_sensitive) { StringToLower(x); StringToLower(y); }
  return x.u < y.u ? -1 : x.u > y.u ? 1 : 0;
}
ushort StringGetCharacter(const string &s, int at) { return at < 0 || at >= (int)s.u.size() ? (ushort)0 : (ushort)s.u[(size_t)at]; }
bool StringSetCharacter(string &s, int at, ushort c) {
  if (at < 0 || at > (int)s.u.size()) return false;
  if (at == (int)s.u.size()) s.u += char16_t(c); else s.u[(size_t)at] = char16_t(c);
  s.null = false;
  return true;
}
bool StringAdd(string &s, const string &more) { s += more; return true; }
bool StringInit(string &s, int n, ushort c) { s = string(std::u16string((size_t)n, char16_t(c))); return true; }
bool StringReserve(string &s, uint n) { s.u.reserve(n); s.null = false; return true; }
string ShortToString(ushort c) { return string(std::u16string(1, char16_t(c))); }
string CharToString(uchar c) { return string(std::u16string(1, char16_t(c))); }
string IntegerToString(long v, int width, ushort fill) {
  std::u16string o;
  for (char c : std::to_string(v)) o += char16_t(c);
  if ((int)o.size() < width) o.insert(0, (size_t)width - o.size(), char16_t(fill));
  return string(o);
}
string DoubleToString(double v, int digits) {
  char b[512];
  if (digits < 0) snprintf(b, sizeof b, "%.*e", std::min(-digits, 16), v);
  else snprintf(b, sizeof b, "%.*f", std::min(digits, 16), v);
  return string::from8(b);
}
long StringToInteger(const string &s) {
  std::string b = s.to8();
  size_t i = 0;
  while (i < b.size() && (b[i] == ' ' || b[i] == '\t')) i++;
  size_t e = i + (i < b.size() && (b[i] == '-' || b[i] == '+'));
  while (e < b.size() && b[e] >= '0' && b[e] <= '9') e++;
  return strtol(b.substr(i, e - i).c_str(), nullptr, 10);
}
double StringToDouble(const string &s) {
  std::string b = s.to8();
  size_t i = 0, e;
  while (i < b.size() && (b[i] == ' ' || b[i] == '\t')) i++;
  e = b.find_first_not_of("0123456789+-.eE", i);
  return strtod(b.substr(i, e == std::string::npos ? e : e - i).c_str(), nullptr);
}

std::string format(const std::string &f, const std::vector<FormatArg> &args) {
  std::string o;
  size_t next = 0;
  for (size_t i = 0; i < f.size(); i++) {
    if (f[i] != '%') { o += f[i]; continue; }
    if (i + 1 < f.size() && f[i + 1] == '%') { o += '%'; i++; continue; }
    size_t e = f.find_first_not_of("-+ #0123456789.", i + 1);
    if (e == std::string::npos) critical("StringFormat: unfinished conversion in \"" + f + "\"");
    std::string flags = f.substr(i, e - i);
    bool wide = false;
    if (f.compare(e, 3, "I64") == 0) { wide = true; e += 3; }
    else if (f.compare(e, 2, "ll") == 0) { wide = true; e += 2; }
    else if (f[e] == 'l' || f[e] == 'h' || f.compare(e, 3, "I32") == 0) critical("StringFormat: size prefix outside the subset in \"" + f + "\"");
    char kind = e < f.size() ? f[e] : 0;
    if (next >= args.size()) critical("StringFormat: missing argument for \"" + f + "\"");
    const FormatArg &a = args[next++];
    char b[1024];
    if (kind && strchr("diouxX", kind)) {
      if (a.kind == FormatArg::Text || a.kind == FormatArg::Real) critical("StringFormat: %" + std::string(1, kind) + " needs a whole number in \"" + f + "\"");
      if (a.kind == FormatArg::Int64 && !wide) critical("StringFormat: a 64-bit number needs %I64" + std::string(1, kind) + " in \"" + f + "\"");
      long v = a.i;
      if (!wide && strchr("ouxX", kind)) v = (long)(uint)v;
      snprintf(b, sizeof b, (flags + "ll" + kind).c_str(), (long long)v);
      o += b;
    } else if (kind && strchr("feEgG", kind)) {
      if (a.kind != FormatArg::Real) critical("StringFormat: %" + std::string(1, kind) + " needs a real number in \"" + f + "\"");
      snprintf(b, sizeof b, (flags + kind).c_str(), a.r);
      o += b;
    } else if (kind == 's') {
      if (a.kind != FormatArg::Text) critical("StringFormat: %s needs a string in \"" + f + "\"");
      if (flags == "%") o += a.s;
      else { std::vector<char> w(a.s.size() + 1024); snprintf(w.data(), w.size(), (flags + 's').c_str(), a.s.c_str()); o += w.data(); }
    } else if (kind == 'c') {
      string one(std::u16string(1, char16_t(a.i)));
      o += one.to8();
    } else critical("StringFormat: unknown conversion in \"" + f + "\"");
    i = e;
  }
  if (next != args.size()) critical("StringFormat: too many arguments for \"" + f + "\"");
  return o;
}
std::string shown(const FormatArg &a, bool is_time) {
  if (is_time) return TimeToString(datetime(a.i), TIME_DATE | TIME_SECONDS).to8();
  if (a.kind == FormatArg::Text) return a.s == "(null)" ? "" : a.s;
  if (a.kind != FormatArg::Real) return std::to_string(a.i);
  char b[64];
  snprintf(b, sizeof b, "%.16g", a.r);
  return b;
}

bool TimeToStruct(datetime t, MqlDateTime &s) {
  time_t x = t.v;
  tm g;
  gmtime_r(&x, &g);
  s = MqlDateTime{g.tm_year + 1900, g.tm_mon + 1, g.tm_mday, g.tm_hour, g.tm_min, g.tm_sec, g.tm_wday, g.tm_yday};
  return true;
}
datetime StructToTime(const MqlDateTime &s) {
  tm t{};
  t.tm_year = s.year - 1900; t.tm_mon = s.mon - 1; t.tm_mday = s.day; t.tm_hour = s.hour; t.tm_min = s.min; t.tm_sec = s.sec;
  return datetime((long)timegm(&t));
}
string TimeToString(datetime t, int flags) {
  MqlDateTime s;
  TimeToStruct(t, s);
  char date[64] = "", clock[64] = "";
  if (flags & TIME_DATE) snprintf(date, sizeof date, "%04d.%02d.%02d", s.year, s.mon, s.day);
  if (flags & TIME_SECONDS) snprintf(clock, sizeof clock, "%02d:%02d:%02d", s.hour, s.min, s.sec);
  else if (flags & TIME_MINUTES) snprintf(clock, sizeof clock, "%02d:%02d", s.hour, s.min);
  return string::from8(std::string(date) + (*date && *clock ? " " : "") + clock);
}
datetime StringToTime(const string &s) { return MqlDate(s.to8().c_str()); }
datetime MqlDate(const char *s) {
  MqlDateTime t{1970, 1, 1, 0, 0, 0, 0, 0};
  sscanf(s, "%d.%d.%d %d:%d:%d", &t.year, &t.mon, &t.day, &t.hour, &t.min, &t.sec);
  return StructToTime(t);
}

double MathFloor(double v) { return floor(v); }
double MathCeil(double v) { return ceil(v); }
double MathRound(double v) { return round(v); }
double MathPow(double b, double e) { return pow(b, e); }
double MathSqrt(double v) { return sqrt(v); }
double MathLog(double v) { return log(v); }
double MathLog10(double v) { return log10(v); }
double MathExp(double v) { return exp(v); }
double MathMod(double a, double b) { return fmod(a, b); }
bool MathIsValidNumber(double v) { return std::isfinite(v); }
static uint rand_state = 1;
int MathRand() { rand_state = rand_state * 214013u + 2531011u; return (int)(rand_state >> 16 & 0x7FFF); }
void MathSrand(int seed) { rand_state = (uint)seed; }
double NormalizeDouble(double v, int digits) { double p = pow(10, digits); return round(v * p) / p; }
std::map<std::string, std::function<void(const std::string &)>> &MqlInput::all() {
  static std::map<std::string, std::function<void(const std::string &)>> inputs;
  return inputs;
}
} // namespace mql
