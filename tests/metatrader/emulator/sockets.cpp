// Network sockets as an Expert Advisor has them: it can only connect, only to addresses of the allowed list, always blocking,
// without a way to switch off Nagle's algorithm.
#include "wires.hpp"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mql {
struct Socket { int fd = -1; bool connected = false, speculated = false; };
static std::map<int, Socket> sockets;
static int next_socket = 1;
const size_t MOST_SOCKETS = 128;

static Socket *of(int h) {
  auto i = sockets.find(h);
  if (i == sockets.end()) { set_error(ERR_NETSOCKET_INVALIDHANDLE); return nullptr; }
  return &i->second;
}
int SocketCreate(uint) {
  Call call("SocketCreate");
  if (sockets.size() >= MOST_SOCKETS) return fail(ERR_NETSOCKET_TOO_MANY_OPENED, INVALID_HANDLE);
  Socket s;
  s.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockets[next_socket] = s;
  return next_socket++;
}
bool SocketClose(int h) {
  Call call("SocketClose");
  Socket *s = of(h);
  if (!s) return false;
  close(s->fd);
  sockets.erase(h);
  return true;
}
bool SocketConnect(int h, const string &host, uint port, uint timeout_ms) {
  Socket *s;
  {
    Call call("SocketConnect");
    s = of(h);
    if (!s) return false;
    if (!quirks.allow_localhost || host.to8() != "127.0.0.1") return fail(ERR_FUNCTION_NOT_ALLOWED, false);
  }
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons((uint16_t)port);
  inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
  int flags = fcntl(s->fd, F_GETFL);
  fcntl(s->fd, F_SETFL, flags | O_NONBLOCK);
  int error = 1;
  socklen_t n = sizeof error;
  connect(s->fd, (sockaddr *)&a, sizeof a);
  pollfd p{s->fd, POLLOUT, 0};
  if (poll(&p, 1, (int)timeout_ms) == 1) getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n);
  fcntl(s->fd, F_SETFL, flags);
  if (error) return fail(ERR_NETSOCKET_CANNOT_CONNECT, false);
  s->connected = true;
  return true;
}
bool SocketIsConnected(int h) {
  Call call("SocketIsConnected");
  Socket *s = of(h);
  return s && s->connected;
}
uint SocketIsReadable(int h) {
  Call call("SocketIsReadable");
  Socket *s = of(h);
  if (!s) return 0;
  if (!s->connected) return fail(ERR_NETSOCKET_IO_ERROR, 0u);
  int n = 0;
  ioctl(s->fd, FIONREAD, &n);
  if (n) return (uint)n;
  pollfd p{s->fd, POLLIN, 0};
  if (poll(&p, 1, 0) == 1) return 1;  // the end of the stream is readable
  if (quirks.speculative_readable && !s->speculated) { s->speculated = true; return 1; }
  return 0;
}
bool SocketIsWritable(int h) {
  Call call("SocketIsWritable");
  Socket *s = of(h);
  if (!s || !s->connected) return false;
  pollfd p{s->fd, POLLOUT, 0};
  return poll(&p, 1, 0) == 1;
}
static timeval interval(uint ms) { return timeval{(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)}; }
bool SocketTimeouts(int h, uint send_ms, uint receive_ms) {
  Call call("SocketTimeouts");
  Socket *s = of(h);
  if (!s) return false;
  timeval out = interval(send_ms), in = interval(receive_ms);
  setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &out, sizeof out);
  setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &in, sizeof in);
  return true;
}
int SocketRead(int h, MqlArr<uchar> &b, uint maxlen, uint timeout_ms) {
  Socket *s;
  {
    Call call("SocketRead");
    s = of(h);
    if (!s) return -1;
    if (!s->connected) return fail(ERR_NETSOCKET_IO_ERROR, -1);
  }
  pollfd p{s->fd, POLLIN, 0};
  if (poll(&p, 1, timeout_ms ? (int)timeout_ms : 120000) <= 0) return -1;  // nothing came: no error code for that
  if (quirks.short_read) maxlen = std::min(maxlen, quirks.short_read);
  std::vector<uchar> part(maxlen);
  ssize_t n = recv(s->fd, part.data(), maxlen, 0);
  if (n <= 0) { s->connected = false; return fail(ERR_NETSOCKET_IO_ERROR, -1); }
  if (!b.fixed) b.d.resize((size_t)n);
  for (size_t i = 0; i < (size_t)n && i < b.d.size(); i++) b.d[i].v = part[i];
  return (int)n;
}
int SocketSend(int h, const MqlArr<uchar> &b, uint len) {
  Socket *s;
  {
    Call call("SocketSend");
    s = of(h);
    if (!s) return -1;
    if (!s->connected) return fail(ERR_NETSOCKET_IO_ERROR, -1);
  }
  if (len > b.d.size()) critical("SocketSend: the length is beyond the array");
  if (quirks.short_send) len = std::min(len, quirks.short_send);
  std::vector<uchar> part;
  for (size_t i = 0; i < len; i++) part.push_back(b.d[i].v);
  ssize_t n = send(s->fd, part.data(), len, MSG_NOSIGNAL);
  if (n < 0) { s->connected = false; return fail(ERR_NETSOCKET_IO_ERROR, -1); }
  return (int)n;
}
} // namespace mql
