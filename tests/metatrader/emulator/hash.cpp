// CryptEncode: SHA-256 and Base64, the two that the subset has.
#include "api.hpp"
#include "wires.hpp"

namespace mql {
static const uint K[64] = {0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,0xd807aa98,0x12835b01,0x243185be,0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,0x2de92c6f,0x4a7484aa,0x5cb0a9dc,0x76f988da,0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,0x06ca6351,0x14292967,0x27b70a85,0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,0xd192e819,0xd6990624,0xf40e3585,0x106aa070,0x19a4c116,0x1e376c08,0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,0x682e6ff3,0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2};
static uint turn(uint x, int n) { return x >> n | x << (32 - n); }

std::string sha256(const std::string &data) {
  uint h[8] = {0x6a09e667,0xbb67ae85,0x3c6ef372,0xa54ff53a,0x510e527f,0x9b05688c,0x1f83d9ab,0x5be0cd19};
  std::string m = data;
  ulong bits = m.size() * 8;
  m += char(0x80);
  while (m.size() % 64 != 56) m += char(0);
  for (int i = 7; i >= 0; i--) m += char(bits >> (8 * i));
  for (size_t block = 0; block < m.size(); block += 64) {
    uint w[64], a[8];
    for (size_t i = 0; i < 16; i++) {
      w[i] = 0;
      for (size_t j = 0; j < 4; j++) w[i] = w[i] << 8 | (uchar)m[block + 4 * i + j];
    }
    for (int i = 16; i < 64; i++) w[i] = w[i-16] + (turn(w[i-15],7) ^ turn(w[i-15],18) ^ w[i-15] >> 3) + w[i-7] + (turn(w[i-2],17) ^ turn(w[i-2],19) ^ w[i-2] >> 10);
    memcpy(a, h, sizeof a);
    for (int i = 0; i < 64; i++) {
      uint t1 = a[7] + (turn(a[4],6) ^ turn(a[4],11) ^ turn(a[4],25)) + ((a[4] & a[5]) ^ (~a[4] & a[6])) + K[i] + w[i];
      uint t2 = (turn(a[0],2) ^ turn(a[0],13) ^ turn(a[0],22)) + ((a[0] & a[1]) ^ (a[0] & a[2]) ^ (a[1] & a[2]));
      memmove(a + 1, a, 28);
      a[4] += t1;
      a[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += a[i];
  }
  std::string out;
  for (uint x : h) for (int i = 3; i >= 0; i--) out += char(x >> (8 * i));
  return out;
}
std::string hex(const std::string &bytes) {
  std::string o;
  for (char c : bytes) { o += "0123456789abcdef"[(uchar)c >> 4]; o += "0123456789abcdef"[(uchar)c & 15]; }
  return o;
}
std::string hmac_sha256(std::string key, const std::string &text) {
  if (key.size() > 64) key = sha256(key);
  key.resize(64);
  std::string inner, outer;
  for (char c : key) { inner += char(c ^ 0x36); outer += char(c ^ 0x5c); }
  return sha256(outer + sha256(inner + text));
}
static std::string base64(const std::string &in) {
  static const char *A = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string o;
  for (size_t i = 0; i < in.size(); i += 3) {
    uint v = 0;
    for (size_t j = 0; j < 3; j++) v = v << 8 | (i + j < in.size() ? (uchar)in[i + j] : 0u);
    for (size_t j = 0; j < 4; j++) o += j <= in.size() - i ? A[v >> (18 - 6 * (int)j) & 63] : '=';
  }
  return o;
}
int CryptEncode(ENUM_CRYPT_METHOD m, const MqlArr<uchar> &data, const MqlArr<uchar> &, MqlArr<uchar> &out) {
  std::string in, answer;
  for (auto &c : data.d) in += (char)c.v;
  if (in.empty()) return fail(ERR_INVALID_PARAMETER, 0);  // nothing to encode is an error in the terminal
  if (m == CRYPT_HASH_SHA256) answer = sha256(in);
  else if (m == CRYPT_BASE64) answer = base64(in);
  else critical("CryptEncode: this method is not in the subset");
  if (out.fixed && out.d.size() < answer.size()) critical("CryptEncode: the array is too short");
  if (!out.fixed) out.d.resize(answer.size());
  for (size_t i = 0; i < answer.size(); i++) out.d[i].v = (uchar)answer[i];
  return (int)answer.size();
}
} // namespace mql
