// The functions of MQL5 that an Expert Advisor of the subset may call, with the documented signatures.
// What is not here does not exist for it: a call of anything else is a compile error.
#pragma once
#include "structs.hpp"

namespace mql {
// Checking and errors
int GetLastError();
void ResetLastError();
void SetUserError(ushort code);
bool IsStopped();
int UninitializeReason();
void ExpertRemove();

// Time
ulong GetTickCount64();
uint GetTickCount();
ulong GetMicrosecondCount();
datetime TimeCurrent();
datetime TimeTradeServer();
datetime TimeLocal();
datetime TimeGMT();
int TimeGMTOffset();
int TimeDaylightSavings();
bool TimeToStruct(datetime t, MqlDateTime &s);
datetime StructToTime(const MqlDateTime &s);
string TimeToString(datetime t, int flags = TIME_DATE | TIME_MINUTES);
datetime StringToTime(const string &s);
datetime MqlDate(const char *literal);
inline color MqlColor(int r, int g, int b) { return color(r | g << 8 | b << 16); }
void Sleep(int ms);

// Text
int StringLen(const string &s);
int StringFind(const string &s, const string &what, int from = 0);
string StringSubstr(const string &s, int from, int n = -1);
int StringSplit(const string &s, ushort separator, MqlArr<string> &parts);
int StringReplace(string &s, const string &what, const string &with);
int StringTrimLeft(string &s);
int StringTrimRight(string &s);
bool StringToLower(string &s);
bool StringToUpper(string &s);
int StringCompare(const string &a, const string &b, bool case_sensitive = true);
ushort StringGetCharacter(const string &s, int at);
bool StringSetCharacter(string &s, int at, ushort c);
bool StringAdd(string &s, const string &more);
bool StringInit(string &s, int n = 0, ushort c = 0);
bool StringReserve(string &s, uint n);
string ShortToString(ushort c);
string CharToString(uchar c);
string IntegerToString(long v, int width = 0, ushort fill = ' ');
string DoubleToString(double v, int digits = 8);
long StringToInteger(const string &s);
double StringToDouble(const string &s);
string bytes_to_string(const std::string &bytes, uint codepage);
std::string string_to_bytes(const string &s, uint codepage);
template <class B> int StringToCharArray(const string &s, MqlArr<B> &a, int start = 0, int count = -1, uint codepage = CP_ACP) {
  static_assert(sizeof(B) == 1, "StringToCharArray fills an array of uchar");
  // Whether a given count includes the zero, and counts characters or bytes, is told nowhere without doubt.
  if (count != -1) critical("StringToCharArray: only count=-1 is in the subset");
  std::string b = string_to_bytes(s, codepage);
  size_t n = b.size() + 1;  // the closing zero is copied too; a longer array is not cut
  if (a.d.size() < (size_t)start + n) {
    if (a.fixed) n = a.d.size() - (size_t)start;
    else a.grow((size_t)start + n);
  }
  for (size_t i = 0; i < n; i++) a.d[(size_t)start + i].v = (B)(i < b.size() ? b[i] : 0);
  return (int)n;
}
template <class B> string CharArrayToString(const MqlArr<B> &a, int start = 0, int count = -1, uint codepage = CP_ACP) {
  static_assert(sizeof(B) == 1, "CharArrayToString reads an array of uchar");
  std::string b;
  size_t end = count < 0 ? a.d.size() : std::min(a.d.size(), (size_t)start + (size_t)count);
  for (size_t i = (size_t)start; i < end && a.d[i].v; i++) b += (char)a.d[i].v;
  return bytes_to_string(b, codepage);
}

// StringFormat: conversions are checked against their argument; a wrong one is a critical error, not a surprise
struct FormatArg {
  enum Kind { Int32, Int64, Real, Text } kind;
  long i = 0;
  double r = 0;
  std::string s;
  FormatArg(const string &v) : kind(Text), s(v.null ? "(null)" : v.to8()) {}
  FormatArg(const datetime &v) : kind(Int64), i(v.v) {}
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T> || std::is_enum_v<T>>> FormatArg(T v)
      : kind(std::is_floating_point_v<T> ? Real : sizeof(T) == 8 ? Int64 : Int32), i((long)v), r((double)v) {}
};
std::string format(const std::string &f, const std::vector<FormatArg> &args);
template <class... A> string StringFormat(const string &f, const A &...a) { return string::from8(format(f.to8(), {FormatArg(a)...})); }
std::string shown(const FormatArg &a, bool is_time);
template <class T> std::string shown(const T &v) { return shown(FormatArg(v), std::is_same_v<T, datetime>); }
void print_line(const std::string &line);
template <class... A> void Print(const A &...a) { print_line((std::string() + ... + shown(a))); }
template <class... A> void Alert(const A &...a) { print_line("Alert: " + (std::string() + ... + shown(a))); }
template <class... A> void Comment(const A &...) {}
template <class... A> void PrintFormat(const string &f, const A &...a) { print_line(format(f.to8(), {FormatArg(a)...})); }

// Numbers
template <class A, class B> std::common_type_t<A, B> MathMin(A a, B b) { return (std::common_type_t<A, B>)a < (std::common_type_t<A, B>)b ? a : b; }
template <class A, class B> std::common_type_t<A, B> MathMax(A a, B b) { return (std::common_type_t<A, B>)b < (std::common_type_t<A, B>)a ? a : b; }
template <class A> A MathAbs(A a) { return a < 0 ? -a : a; }
double MathFloor(double v);
double MathCeil(double v);
double MathRound(double v);
double MathPow(double b, double e);
double MathSqrt(double v);
double MathLog(double v);
double MathLog10(double v);
double MathExp(double v);
double MathMod(double a, double b);
bool MathIsValidNumber(double v);
int MathRand();
void MathSrand(int seed);
double NormalizeDouble(double v, int digits);

// Hashes
int CryptEncode(ENUM_CRYPT_METHOD m, const MqlArr<uchar> &data, const MqlArr<uchar> &key, MqlArr<uchar> &out);

// Sockets
int SocketCreate(uint flags = 0);
bool SocketClose(int h);
bool SocketConnect(int h, const string &host, uint port, uint timeout_ms);
bool SocketIsConnected(int h);
uint SocketIsReadable(int h);
bool SocketIsWritable(int h);
bool SocketTimeouts(int h, uint send_ms, uint receive_ms);
int SocketRead(int h, MqlArr<uchar> &b, uint maxlen, uint timeout_ms);
int SocketSend(int h, const MqlArr<uchar> &b, uint len);

// Files and pipes
int FileOpen(const string &name, int flags, short delimiter = '\t', uint codepage = CP_ACP);
int FileOpen(const string &name, int flags, const string &delimiter, uint codepage = CP_ACP);
void FileClose(int h);
void FileFlush(int h);
ulong FileSize(int h);
ulong FileTell(int h);
bool FileSeek(int h, long offset, ENUM_FILE_POSITION origin);
bool FileIsEnding(int h);
bool FileIsLineEnding(int h);
bool FileIsExist(const string &name, int common = 0);
bool FileDelete(const string &name, int common = 0);
bool FileMove(const string &from, int common, const string &to, int flags);
bool FileCopy(const string &from, int common, const string &to, int flags);
bool FolderCreate(const string &name, int common = 0);
long FileGetInteger(int h, ENUM_FILE_PROPERTY_INTEGER p);
long FileFindFirst(const string &filter, string &found, int common = 0);
bool FileFindNext(long h, string &found);
void FileFindClose(long h);
string FileReadString(int h, int length = -1);
uint FileWriteString(int h, const string &s, int length = -1);
uint file_write_line(int h, const std::vector<std::string> &fields);
template <class... A> uint FileWrite(int h, const A &...a) { return file_write_line(h, {shown(a)...}); }
size_t file_read(int h, void *to, size_t n);
size_t file_write(int h, const void *from, size_t n);
template <class T> uint FileReadArray(int h, MqlArr<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  static_assert(std::is_arithmetic_v<T>, "FileReadArray: numbers only in the subset");
  if (start < 0) return 0;
  ulong left = FileSize(h) - (ulong)FileTell(h);
  size_t n = count < 0 ? left / sizeof(T) : (size_t)count;
  std::vector<T> part(n);
  size_t got = n ? file_read(h, part.data(), n * sizeof(T)) / sizeof(T) : 0;
  if (a.d.size() < (size_t)start + got) {
    if (a.fixed) got = a.d.size() > (size_t)start ? a.d.size() - (size_t)start : 0;
    else a.grow((size_t)start + got);
  }
  for (size_t i = 0; i < got; i++) a.d[(size_t)start + i].v = part[i];
  return (uint)got;
}
template <class T> uint FileWriteArray(int h, const MqlArr<T> &a, int start = 0, int count = WHOLE_ARRAY) {
  static_assert(std::is_arithmetic_v<T>, "FileWriteArray: numbers only in the subset");
  if (start < 0 || (size_t)start > a.d.size()) return 0;
  size_t n = count < 0 ? a.d.size() - (size_t)start : std::min((size_t)count, a.d.size() - (size_t)start);
  std::vector<T> part;
  for (size_t i = 0; i < n; i++) part.push_back(a.d[(size_t)start + i].v);
  return n ? (uint)(file_write(h, part.data(), n * sizeof(T)) / sizeof(T)) : 0;
}

// Variables of the terminal
bool GlobalVariableCheck(const string &name);
double GlobalVariableGet(const string &name);
datetime GlobalVariableSet(const string &name, double v);
bool GlobalVariableDel(const string &name);
bool GlobalVariableTemp(const string &name);
bool GlobalVariableSetOnCondition(const string &name, double v, double expected);
void GlobalVariablesFlush();

// Events
bool EventSetMillisecondTimer(int ms);
bool EventSetTimer(int seconds);
void EventKillTimer();

// Terminal, account
long TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER p);
double TerminalInfoDouble(ENUM_TERMINAL_INFO_DOUBLE p);
string TerminalInfoString(ENUM_TERMINAL_INFO_STRING p);
long MQLInfoInteger(ENUM_MQL_INFO_INTEGER p);
string MQLInfoString(ENUM_MQL_INFO_STRING p);
long AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER p);
double AccountInfoDouble(ENUM_ACCOUNT_INFO_DOUBLE p);
string AccountInfoString(ENUM_ACCOUNT_INFO_STRING p);

// Symbols and market data
string Symbol();
ENUM_TIMEFRAMES Period();
int Digits();
double Point();
long ChartID();
int PeriodSeconds(ENUM_TIMEFRAMES tf = PERIOD_CURRENT);
int SymbolsTotal(bool selected);
string SymbolName(int i, bool selected);
bool SymbolSelect(const string &name, bool select);
bool SymbolExist(const string &name, bool &is_custom);
bool SymbolIsSynchronized(const string &name);
long SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER p);
bool SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER p, long &v);
double SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE p);
bool SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE p, double &v);
string SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING p);
bool SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING p, string &v);
bool SymbolInfoTick(const string &name, MqlTick &t);
bool SymbolInfoSessionQuote(const string &name, ENUM_DAY_OF_WEEK day, uint i, datetime &from, datetime &to);
bool SymbolInfoSessionTrade(const string &name, ENUM_DAY_OF_WEEK day, uint i, datetime &from, datetime &to);
int CopyRates(const string &name, ENUM_TIMEFRAMES tf, int start, int count, MqlArr<MqlRates> &r);
int CopyRates(const string &name, ENUM_TIMEFRAMES tf, datetime from, int count, MqlArr<MqlRates> &r);
int CopyRates(const string &name, ENUM_TIMEFRAMES tf, datetime from, datetime to, MqlArr<MqlRates> &r);
int CopyTicks(const string &name, MqlArr<MqlTick> &t, uint flags = (uint)COPY_TICKS_ALL, ulong from_ms = 0, uint count = 0);
int Bars(const string &name, ENUM_TIMEFRAMES tf);
datetime iTime(const string &name, ENUM_TIMEFRAMES tf, int shift);
int iBarShift(const string &name, ENUM_TIMEFRAMES tf, datetime t, bool exact = false);
long SeriesInfoInteger(const string &name, ENUM_TIMEFRAMES tf, ENUM_SERIES_INFO_INTEGER p);
bool SeriesInfoInteger(const string &name, ENUM_TIMEFRAMES tf, ENUM_SERIES_INFO_INTEGER p, long &v);

// Trade
bool OrderSend(MqlTradeRequest &q, MqlTradeResult &r);
bool OrderCheck(const MqlTradeRequest &q, MqlTradeCheckResult &r);
bool OrderCalcMargin(ENUM_ORDER_TYPE type, const string &name, double volume, double price, double &margin);
bool OrderCalcProfit(ENUM_ORDER_TYPE type, const string &name, double volume, double open, double close, double &profit);
int PositionsTotal();
string PositionGetSymbol(int i);
ulong PositionGetTicket(int i);
bool PositionSelect(const string &name);
bool PositionSelectByTicket(ulong ticket);
long PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER p);
double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE p);
string PositionGetString(ENUM_POSITION_PROPERTY_STRING p);
int OrdersTotal();
ulong OrderGetTicket(int i);
bool OrderSelect(ulong ticket);
long OrderGetInteger(ENUM_ORDER_PROPERTY_INTEGER p);
double OrderGetDouble(ENUM_ORDER_PROPERTY_DOUBLE p);
string OrderGetString(ENUM_ORDER_PROPERTY_STRING p);
bool HistorySelect(datetime from, datetime to);
bool HistorySelectByPosition(long position_id);
int HistoryOrdersTotal();
ulong HistoryOrderGetTicket(int i);
bool HistoryOrderSelect(ulong ticket);
long HistoryOrderGetInteger(ulong ticket, ENUM_ORDER_PROPERTY_INTEGER p);
double HistoryOrderGetDouble(ulong ticket, ENUM_ORDER_PROPERTY_DOUBLE p);
string HistoryOrderGetString(ulong ticket, ENUM_ORDER_PROPERTY_STRING p);
int HistoryDealsTotal();
ulong HistoryDealGetTicket(int i);
bool HistoryDealSelect(ulong ticket);
long HistoryDealGetInteger(ulong ticket, ENUM_DEAL_PROPERTY_INTEGER p);
double HistoryDealGetDouble(ulong ticket, ENUM_DEAL_PROPERTY_DOUBLE p);
string HistoryDealGetString(ulong ticket, ENUM_DEAL_PROPERTY_STRING p);
// The handlers of one loaded copy of the Expert Advisor. Its own variables live in that copy: loading anew is a fresh start.
struct Handlers {
  int (*init)();
  void (*deinit)(const int);
  void (*tick)();
  void (*timer)();
  void (*transaction)(const MqlTradeTransaction &, const MqlTradeRequest &, const MqlTradeResult &);
};
} // namespace mql
