// Files and pipes. What is written stays in the terminal's own memory until FileFlush or FileClose: a killed terminal loses it.
// A name \\.\pipe\X is the Unix socket <common>/pipe/X here.
#include "wires.hpp"
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace mql {
Folders folders;
LinkQuirks quirks;
MemoryPipe *memory_pipe = nullptr;
long pipe_turns_missed = 0;

struct Handle {
  int flags = 0, fd = -1;
  uint codepage = CP_ACP;
  std::string path, name, delimiter = "\t";
  bool pipe = false, memory = false, was_read = false, broken = false, line_end = false;
  std::string content;  // the file as this handle sees it
  size_t pos = 0, dirty_from = std::string::npos;
};
static std::map<int, Handle> handles;
static int next_handle = 1;
struct Find { std::vector<std::string> names; size_t next = 0; };
static std::map<long, Find> finds;

static Handle *handle(int h) {
  auto i = handles.find(h);
  if (i == handles.end()) { set_error(ERR_WRONG_FILEHANDLE); return nullptr; }
  return &i->second;
}
static std::string folder(int common) { return common & FILE_COMMON ? folders.common + "/Files/" : folders.data + "/MQL5/Files/"; }
// A name relative to the sandbox, or nothing.
static std::optional<std::string> safe(const string &name) {
  std::string n = name.to8();
  for (char &c : n) if (c == '\\') c = '/';
  if (n.empty() || n.find(':') != std::string::npos || n.find("..") != std::string::npos || n[0] == '/') return set_error(ERR_WRONG_FILENAME), std::nullopt;
  return n;
}
static void make_parents(const std::string &path) {
  for (size_t i = 1; (i = path.find('/', i)) != std::string::npos; i++) mkdir(path.substr(0, i).c_str(), 0755);
}
static bool exists(const std::string &path) { struct stat s; return stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode); }
static std::string content_of(const std::string &path) {
  std::string o;
  if (FILE *f = fopen(path.c_str(), "rb")) {
    char b[65536];
    for (size_t n; (n = fread(b, 1, sizeof b, f)) > 0;) o.append(b, n);
    fclose(f);
  }
  return o;
}
static int pipe_open(const std::string &name) {
  Handle x;
  x.pipe = true;
  x.name = name;
  x.flags = FILE_READ | FILE_WRITE | FILE_BIN;
  if (memory_pipe) x.memory = true;
  else {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::string path = folders.common + "/pipe/" + name;
    if (!quirks.pipes || path.size() >= sizeof a.sun_path) return fail(ERR_CANNOT_OPEN_FILE, INVALID_HANDLE);
    memcpy(a.sun_path, path.c_str(), path.size() + 1);
    x.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(x.fd, (sockaddr *)&a, sizeof a) != 0) { close(x.fd); return fail(ERR_CANNOT_OPEN_FILE, INVALID_HANDLE); }
  }
  handles[next_handle] = x;
  return next_handle++;
}
int FileOpen(const string &name, int flags, const string &delimiter, uint codepage) {
  Call call("FileOpen");
  std::string n = name.to8();
  if (n.rfind("\\\\.\\pipe\\", 0) == 0) {
    if ((flags & (FILE_READ | FILE_WRITE | FILE_BIN)) != (FILE_READ | FILE_WRITE | FILE_BIN)) critical("a pipe must be opened with FILE_READ|FILE_WRITE|FILE_BIN");
    return pipe_open(n.substr(9));
  }
  auto rel = safe(name);
  if (!rel) return INVALID_HANDLE;
  if (!(flags & (FILE_BIN | FILE_TXT | FILE_CSV))) flags |= FILE_CSV;
  if ((flags & (FILE_TXT | FILE_CSV)) && !(flags & FILE_ANSI)) flags |= FILE_UNICODE;
  if (!(flags & (FILE_READ | FILE_WRITE))) return fail(ERR_INVALID_PARAMETER, INVALID_HANDLE);
  Handle x;
  x.flags = flags;
  x.codepage = codepage;
  x.name = *rel;
  x.path = folder(flags) + *rel;
  if (!delimiter.u.empty()) x.delimiter = string(std::u16string(1, delimiter.u[0])).to8();
  for (auto &[_, o] : handles)  // sharing as Windows has it: both sides must agree
    if (o.path == x.path) {
      bool theirs = (!(flags & FILE_READ) || o.flags & FILE_SHARE_READ) && (!(flags & FILE_WRITE) || o.flags & FILE_SHARE_WRITE);
      bool ours = (!(o.flags & FILE_READ) || flags & FILE_SHARE_READ) && (!(o.flags & FILE_WRITE) || flags & FILE_SHARE_WRITE);
      if (!theirs || !ours) return fail(ERR_CANNOT_OPEN_FILE, INVALID_HANDLE);
    }
  bool there = exists(x.path);
  if (!(flags & FILE_WRITE) && !there) return fail(ERR_CANNOT_OPEN_FILE, INVALID_HANDLE);
  if (flags & FILE_WRITE) {
    if (!quirks.locked.empty() && x.name.find(quirks.locked) != std::string::npos) return fail(ERR_CANNOT_OPEN_FILE, INVALID_HANDLE);
    make_parents(x.path);
    int fd = open(x.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (flags & FILE_READ ? 0 : O_TRUNC), 0644);
    if (fd < 0) return fail(ERR_CANNOT_OPEN_FILE, INVALID_HANDLE);
    close(fd);
  }
  x.content = content_of(x.path);
  if ((flags & FILE_UNICODE) && !(flags & FILE_BIN)) {
    if (x.content.compare(0, 2, "\xFF\xFE") == 0) x.pos = 2;
    else if (x.content.empty() && (flags & FILE_WRITE)) { x.content = "\xFF\xFE"; x.dirty_from = 0; x.pos = 2; }
  }
  handles[next_handle] = x;
  return next_handle++;
}
int FileOpen(const string &name, int flags, short delimiter, uint codepage) {
  return FileOpen(name, flags, string(std::u16string(1, char16_t(delimiter))), codepage);
}
static void to_disk(Handle &x) {
  if (x.pipe || x.dirty_from == std::string::npos) return;
  int fd = open(x.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return;
  for (size_t at = x.dirty_from; at < x.content.size();) {
    ssize_t n = pwrite(fd, x.content.data() + at, x.content.size() - at, (off_t)at);
    if (n <= 0) break;
    at += (size_t)n;
  }
  close(fd);
  x.dirty_from = std::string::npos;
}
void FileFlush(int h) {
  Call call("FileFlush");
  if (Handle *x = handle(h)) { to_disk(*x); x->was_read = false; }
}
void FileClose(int h) {
  Call call("FileClose");
  if (Handle *x = handle(h)) {
    to_disk(*x);
    if (x->fd >= 0) close(x->fd);
    handles.erase(h);
  }
}
// The terminal closes what an Expert Advisor left open.
void close_all_handles() {
  while (!handles.empty()) FileClose(handles.begin()->first);
}
ulong FileSize(int h) {
  Call call("FileSize");
  Handle *x = handle(h);
  if (!x) return 0;
  if (!x->pipe) return x->content.size();
  if (x->memory) return memory_pipe ? memory_pipe->to_ea.size() : 0;
  int n = 0;
  ioctl(x->fd, FIONREAD, &n);
  return (ulong)n;
}
ulong FileTell(int h) { Handle *x = handle(h); return x && !x->pipe ? x->pos : 0; }
bool FileSeek(int h, long offset, ENUM_FILE_POSITION origin) {
  Call call("FileSeek");
  Handle *x = handle(h);
  if (!x) return false;
  x->was_read = false;
  if (x->pipe) return true;
  long base = origin == SEEK_SET_ ? 0 : origin == SEEK_CUR_ ? (long)x->pos : (long)x->content.size();
  if (base + offset < 0) return fail(ERR_INVALID_PARAMETER, false);
  x->pos = (size_t)(base + offset);
  return true;
}
bool FileIsEnding(int h) { Handle *x = handle(h); return !x || (!x->pipe && x->pos >= x->content.size()); }
bool FileIsLineEnding(int h) { Handle *x = handle(h); return !x || x->line_end || x->pos >= x->content.size(); }

static size_t pipe_read(Handle &x, char *to, size_t n) {
  x.was_read = true;
  if (x.memory) {
    size_t got = std::min(n, memory_pipe->to_ea.size());
    memcpy(to, memory_pipe->to_ea.data(), got);
    memory_pipe->to_ea.erase(0, got);
    return got;
  }
  if (quirks.short_read) n = std::min(n, (size_t)quirks.short_read);
  size_t got = 0;
  while (got < n) {  // blocks until all of it is there, which is the worst a terminal could do
    ssize_t k = recv(x.fd, to + got, n - got, 0);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) { x.broken = true; set_error(ERR_FILE_READERROR); break; }
    got += (size_t)k;
  }
  return got;
}
size_t file_read(int h, void *to, size_t n) {
  Handle *x;
  {
    Call call("FileReadArray");
    x = handle(h);
    if (!x) return 0;
    if (!(x->flags & FILE_READ)) return fail(ERR_FILE_NOTTOREAD, (size_t)0);
    if (!x->pipe && !quirks.unreadable.empty() && x->name.find(quirks.unreadable) != std::string::npos)
      return fail(ERR_FILE_READERROR, (size_t)0);
    if (!x->pipe) {
      size_t got = x->pos < x->content.size() ? std::min(n, x->content.size() - x->pos) : 0;
      memcpy(to, x->content.data() + x->pos, got);
      x->pos += got;
      return got;
    }
  }
  return pipe_read(*x, (char *)to, n);  // without the world's lock: this may wait
}
static size_t put(Handle &x, const char *from, size_t n) {
  if (!(x.flags & FILE_WRITE)) return fail(ERR_FILE_NOTTOWRITE, (size_t)0);
  if (quirks.disk_full) return fail(ERR_FILE_WRITEERROR, (size_t)0);
  if (x.pos > x.content.size()) x.content.resize(x.pos);
  x.dirty_from = std::min(x.dirty_from, x.pos);
  x.content.replace(x.pos, std::min(n, x.content.size() - x.pos), from, n);
  x.pos += n;
  return n;
}
size_t file_write(int h, const void *from, size_t n) {
  Handle *x;
  {
    Call call("FileWriteArray");
    x = handle(h);
    if (!x) return 0;
    if (!x->pipe) return put(*x, (const char *)from, n);
  }
  if (x->was_read) { pipe_turns_missed++; x->was_read = false; }
  if (x->memory) { memory_pipe->from_ea.append((const char *)from, n); return n; }
  size_t sent = 0;
  while (sent < n) {  // a peer that does not read stalls the Expert Advisor
    ssize_t k = send(x->fd, (const char *)from + sent, n - sent, MSG_NOSIGNAL);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) { x->broken = true; set_error(ERR_FILE_WRITEERROR); break; }
    sent += (size_t)k;
  }
  return sent;
}
static std::string utf16(const string &s) {
  std::string b;
  for (char16_t c : s.u) { b += char(c & 0xFF); b += char(c >> 8); }
  return b;
}
static std::string encoded(const Handle &x, const string &s) { return x.flags & FILE_ANSI ? string_to_bytes(s, x.codepage) : utf16(s); }
uint FileWriteString(int h, const string &s, int length) {
  if (length >= 0) critical("FileWriteString: a length is outside the subset");
  Call call("FileWriteString");
  Handle *x = handle(h);
  if (!x) return 0;
  if (x->pipe) critical("FileWriteString to a pipe is outside the subset");
  std::string b = encoded(*x, s);
  return (uint)put(*x, b.data(), b.size());
}
uint file_write_line(int h, const std::vector<std::string> &fields) {
  Call call("FileWrite");
  Handle *x = handle(h);
  if (!x) return 0;
  if (!(x->flags & (FILE_TXT | FILE_CSV))) return fail(ERR_FILE_NOTTXTORCSV, 0u);
  std::string line;
  for (size_t i = 0; i < fields.size(); i++) line += (i && x->flags & FILE_CSV ? x->delimiter : "") + fields[i];
  std::string b = encoded(*x, string::from8(line + "\r\n"));
  return (uint)put(*x, b.data(), b.size());
}
string FileReadString(int h, int length) {
  Call call("FileReadString");
  Handle *x = handle(h);
  if (!x) return string(u"");
  if (!(x->flags & FILE_READ)) return fail(ERR_FILE_NOTTOREAD, string(u""));
  if (x->flags & FILE_BIN) {
    if (length < 0) return fail(ERR_INVALID_PARAMETER, string(u""));
    size_t n = std::min((size_t)length * (x->flags & FILE_ANSI ? 1 : 2), x->content.size() - std::min(x->pos, x->content.size()));
    std::string b = x->content.substr(x->pos, n);
    x->pos += n;
    if (x->flags & FILE_ANSI) return bytes_to_string(b, x->codepage);
    std::u16string o;
    for (size_t i = 0; i + 1 < b.size(); i += 2) o += char16_t((uchar)b[i] | (uchar)b[i + 1] << 8);
    return string(o);
  }
  size_t width = x->flags & FILE_ANSI ? 1 : 2;
  std::u16string o;
  std::string raw;
  x->line_end = false;
  while (x->pos + width <= x->content.size()) {
    char16_t c = (uchar)x->content[x->pos];
    if (width == 2) c = char16_t(c | (uchar)x->content[x->pos + 1] << 8);
    x->pos += width;
    if (c == '\n') { x->line_end = true; break; }
    if (c == '\r') continue;
    if (x->flags & FILE_CSV && c < 0x80 && x->delimiter[0] == (char)c) break;
    if (width == 1) raw += (char)c; else o += c;
  }
  return width == 1 ? bytes_to_string(raw, x->codepage) : string(o);
}
bool FileIsExist(const string &name, int common) {
  Call call("FileIsExist");
  auto rel = safe(name);
  if (!rel) return false;
  return exists(folder(common) + *rel) || fail(ERR_FILE_NOT_EXIST, false);
}
bool FileDelete(const string &name, int common) {
  Call call("FileDelete");
  auto rel = safe(name);
  if (!rel) return false;
  for (auto &[_, o] : handles) if (o.path == folder(common) + *rel) return fail(ERR_CANNOT_DELETE_FILE, false);
  return unlink((folder(common) + *rel).c_str()) == 0 || fail(ERR_CANNOT_DELETE_FILE, false);
}
bool FileMove(const string &from, int common, const string &to, int flags) {
  Call call("FileMove");
  auto a = safe(from), b = safe(to);
  if (!a || !b) return false;
  std::string target = folder(flags) + *b;
  if (exists(target) && !(flags & FILE_REWRITE)) return fail(ERR_FILE_CANNOT_REWRITE, false);
  for (auto &held : {*a, *b}) if (!quirks.locked.empty() && held.find(quirks.locked) != std::string::npos) return fail(ERR_CANNOT_OPEN_FILE, false);
  make_parents(target);
  return rename((folder(common) + *a).c_str(), target.c_str()) == 0 || fail(ERR_CANNOT_OPEN_FILE, false);
}
bool FileCopy(const string &from, int common, const string &to, int flags) {
  Call call("FileCopy");
  auto a = safe(from), b = safe(to);
  if (!a || !b || !exists(folder(common) + *a)) return fail(ERR_FILE_NOT_EXIST, false);
  std::string target = folder(flags) + *b;
  if (exists(target) && !(flags & FILE_REWRITE)) return fail(ERR_FILE_CANNOT_REWRITE, false);
  make_parents(target);
  std::string c = content_of(folder(common) + *a);
  FILE *f = fopen(target.c_str(), "wb");
  if (!f) return fail(ERR_CANNOT_OPEN_FILE, false);
  bool ok = fwrite(c.data(), 1, c.size(), f) == c.size();
  return fclose(f) == 0 && ok;
}
bool FolderCreate(const string &name, int common) {
  Call call("FolderCreate");
  auto rel = safe(name);
  if (!rel) return false;
  make_parents(folder(common) + *rel + "/");
  return true;
}
long FileGetInteger(int h, ENUM_FILE_PROPERTY_INTEGER p) {
  if (p == FILE_SIZE) return (long)FileSize(h);
  if (p == FILE_POSITION) return (long)FileTell(h);
  if (p == FILE_END) return FileIsEnding(h);
  critical("FileGetInteger: this property is outside the subset");
}
long FileFindFirst(const string &filter, string &found, int common) {
  Call call("FileFindFirst");
  auto rel = safe(filter);
  if (!rel) return INVALID_HANDLE;
  size_t cut = rel->rfind('/');
  std::string dir = folder(common) + (cut == std::string::npos ? "" : rel->substr(0, cut)), pattern = cut == std::string::npos ? *rel : rel->substr(cut + 1);
  Find f;
  if (DIR *d = opendir(dir.c_str())) {
    while (dirent *e = readdir(d)) if (e->d_name[0] != '.' && fnmatch(pattern.c_str(), e->d_name, 0) == 0) f.names.push_back(e->d_name);
    closedir(d);
  }
  if (f.names.empty()) return fail(ERR_FILE_NOT_EXIST, (long)INVALID_HANDLE);
  std::sort(f.names.begin(), f.names.end());
  found = string::from8(f.names[0]);
  f.next = 1;
  finds[next_handle] = f;
  return next_handle++;
}
bool FileFindNext(long h, string &found) {
  auto i = finds.find(h);
  if (i == finds.end() || i->second.next >= i->second.names.size()) return false;
  found = string::from8(i->second.names[i->second.next++]);
  return true;
}
void FileFindClose(long h) { finds.erase(h); }
} // namespace mql
