// What the parts of the emulated terminal say to each other; nothing of this is visible to the Expert Advisor.
#pragma once
#include "api.hpp"
#include <chrono>
#include <mutex>
#include <optional>

namespace mql {
// hash.cpp
std::string sha256(const std::string &data);
std::string hex(const std::string &bytes);
std::string hmac_sha256(std::string key, const std::string &text);

// terminal.cpp: errors and the guard every API function begins with. The guard counts the call, runs the hooks of tests
// (die here, close a position here...) and holds the world's lock until the function ends.
void set_error(int code);
template <class R> R fail(int code, R answer) { set_error(code); return answer; }
struct Call {
  explicit Call(const char *name);
  ~Call();
  Call(const Call &) = delete;
};
struct Txn {
  MqlTradeTransaction t{};
  MqlTradeRequest q{};
  MqlTradeResult r{};
};
void post_tick(const std::string &symbol);
void post_transactions(std::vector<Txn> txns);
long mono_us();
extern long clock_skew_us;  // fuzzing makes time pass

// control.cpp: words on the harness's line
void tell(const std::string &line);

// The folders of the terminal: <data>/MQL5/Files, and <common>/Files for FILE_COMMON, <common>/pipe/<name> for pipes.
struct Folders { std::string data, common; };
extern Folders folders;

// Quirks of the links, set by tests
struct LinkQuirks {
  bool allow_localhost = true;      // the allowed-address list has 127.0.0.1
  bool speculative_readable = true; // SocketIsReadable says 1 once on an empty buffer
  uint short_send = 0;              // SocketSend takes at most so many bytes, 0 = all
  uint short_read = 0;              // pipe and socket reads give at most so many bytes, 0 = all
  bool pipes = true;                // FileOpen finds pipes
  bool disk_full = false;           // writes to files take nothing
  bool history = true;              // HistorySelect finds what there is, or fails
  bool mute = false;                // OrderSend that is refused in the terminal leaves the return code at 0 and only sets the error
  std::string locked;               // files whose name holds this cannot be opened for writing
  std::string unreadable;           // reading files whose name holds this fails, as on a lost drive
};
extern LinkQuirks quirks;
extern long pipe_turns_missed;      // a write after a read without FileSeek or FileFlush between

// A pipe that lives inside the process, for fuzzing: what FileOpen of a pipe gives instead of a socket.
struct MemoryPipe {
  std::string to_ea, from_ea;
};
extern MemoryPipe *memory_pipe;
void close_all_handles();
} // namespace mql
