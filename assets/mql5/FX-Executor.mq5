//+------------------------------------------------------------------+
//| FX-Executor.mq5                                                  |
//|                                                                  |
//| The hands of FX Executor inside MetaTrader 5. It connects to the |
//| program, shows it the account, and does what it asks: each order |
//| at most once, whatever breaks in between.                        |
//|                                                                  |
//| It needs no DLL, no include and no other file. By default it     |
//| uses a named pipe on this computer, which needs no entry in the  |
//| list of allowed addresses. docs/metatrader-link.md describes     |
//| every line that is exchanged.                                    |
//|                                                                  |
//| What it must never do:                                           |
//|  - send a trade request that is not in its journal first         |
//|  - call a doubtful answer definite                               |
//|  - let a list, a chart or history stand in front of an order     |
//|  - pause: there is no waiting function in this file              |
//|  - touch what another program or the trader opened               |
//|                                                                  |
//| Sections: inputs, line codec, crypto, link, journal, data,       |
//| orders, listening, events. Functions stand before their use.     |
//+------------------------------------------------------------------+
#property copyright   "FX Executor"
#property version     "0.10"
#property strict
#property description "Connects MetaTrader 5 to the FX Executor program on this computer."
#property description "Needs: the program running, the Algo Trading button on, and"
#property description "\"Allow Algo Trading\" ticked for this Expert Advisor. No DLL."
#property description "Put it on one chart only; any symbol and period will do."

#define EA_VERSION    "0.1.0"
#define EA_PROTO      1
#define LINK_FILE     "FX-Executor\\link.txt"
#define OWN_APP       0x46        // the top byte of every magic number that the program makes
#define MAX_LINE      65536       // longest line, with its line feed
#define READ_CHUNK    16384       // bytes per read
#define MAX_FIELDS    64          // fields of one line
#define MAX_ORDERS    256         // order lines that may wait
#define MAX_ASKS      512         // other requests that may wait
#define MAX_LOOKS     32          // FINDs that wait for their second look
#define MAX_SUBS      512         // subscribed symbols
#define MAX_SERIES    2048        // subscribed bar series
#define MAX_MEMORY    4096        // remembered client ids, ...
#define MEMORY_MORE   1024        // ... and so many more before the oldest are forgotten
#define MAX_FILLS     512         // remembered fills of ours
#define MAX_TOLD      64          // notices kept for the next connection
#define ROWS_PER_TURN 25          // rows collected or sent before orders get their turn again
#define JOURNAL_LARGE 4194304     // a journal above this size is rewritten when nothing else is to be done
#define JOURNAL_READ  16777216    // at most so many of its last bytes are read at start
#define DEVIATION     100         // points, for a request that names none
#define HOT_MS        1000        // so long after a request the pipe is listened to without a pause,
#define WARM_MS       50          // and so long after a PING, which comes all the time
#define LEFTOVER_MS   10000       // a market order that still works after so long is cancelled
#define SETTLE_MS     10000       // so long the terminal's lists may still show what was taken off
#define DOUBT_MS      60000       // so long a close without an answer is not sent again,
#define DOUBT_NET_MS  300000      // and so long on netting, where a second one could turn the position round
#define LOOK_MS       200         // between two looks whether anything of ours is there that must go
#define PAUSE_MOST_MS 60000       // what cannot be taken off is tried again after 1 s, 2 s, 4 s ... at most so much
#define MS_MOST       4102444800000 // 1 January 2100
#define OWN_UNKNOWN   -2          // what of a position is ours is not known yet
#define LOOK_APART_MS 300         // time between the two looks that prove an absence

//+------------------------------------------------------------------+
//| 1. Inputs                                                        |
//+------------------------------------------------------------------+
input bool   InpTcp            = false;  // Use TCP instead of the named pipe (needs 127.0.0.1 in the allowed list)
input string InpRole           = "main"; // Name of this EA, if several serve one account
input int    InpTimer          = 10;     // Timer period, milliseconds
input int    InpWait           = 8;      // Longest wait for data within one timer event, milliseconds
input int    InpTickAge        = 60;     // Oldest price an order may rely on, seconds
input int    InpDeadManSeconds = 0;      // Cancel our pending orders after so many seconds without the program (0 = never)
input bool   InpDeadManClose   = false;  // Then close our positions too

//--- codes of the bridge itself; MetaTrader's own are above 10000
#define CODE_BAD_ARGUMENTS -1
#define CODE_LATE          -2
#define CODE_OTHER_ORDER   -3
#define CODE_OTHER_ACCOUNT -4
#define CODE_NOT_PERMITTED -5
#define CODE_NO_SYMBOL     -6
#define CODE_NOT_SYNCED    -7
#define CODE_NO_JOURNAL    -8
#define CODE_BUSY          -9
#define CODE_UNKNOWN       -10
#define CODE_FLAT          -11
#define CODE_SPREAD        -12
#define CODE_OTHER_PROGRAM -13

//--- the life of a connection
#define LINK_CLOSED   0
#define LINK_GREETED  1           // HELLO is out, CHAL is awaited
#define LINK_ANSWERED 2           // AUTH is out, OK is awaited
#define LINK_UP       3

//--- one parsed line
struct Message
  {
   string            type;
   int               n;
   string            key[MAX_FIELDS];
   string            val[MAX_FIELDS];
  };

//--- one line that waits for its turn
struct Todo
  {
   string            text;
   ulong             at;          // when it was read, milliseconds
  };

//--- what became of one client id
struct Outcome
  {
   ulong             cid;
   ulong             hash;        // of the request's parameters, frozen with the client id
   string            kind;        // ORDER, CLOSE, ...
   string            stage;       // done, sent or refused, as on the wire
   bool              ok;
   bool              unwritten;   // it was sent without the journal
   bool              keep;        // definite, so it may enter the memory
   long              retcode;
   long              ext;
   ulong             order;
   ulong             deal;
   ulong             pos;
   double            vol;
   double            price;
   double            bid;
   double            ask;
   double            profit;
   int               digits;      // of the symbol's price
   long              reqid;
   int               err;
   string            comment;
   string            money;       // margin, free margin and level of an OrderCheck, ready for the line
   long              ms;          // broker's clock
   string            acct;        // of a deal: the account,
   string            sym;         // the symbol,
   int               side;        // and 1 bought, -1 sold; 0 when it was no deal
  };

//--- what an order of ours is known to have filled, whatever the history shows
struct Filled
  {
   ulong             cid;
   string            acct;
   string            sym;
   int               side;
   double            vol;
   ulong             order;
   ulong             deal;
   ulong             pos;         // the position's identifier, 0 when not known
   long              ms;          // broker's clock, when it was answered
  };

//--- what was ordered under a client id, to tell its traces from those of another program that uses the same number
struct Ordered
  {
   string            sym;         // empty when not known
   int               side;        // 1 buys, -1 sells, 0 when not known
   double            vol;         // of an opening; 0 when not known
   ulong             pos;         // the position that is closed; 0 for an opening
  };

//--- what the terminal knows about one client id
struct Trace
  {
   string            where;       // pos, ord, deal, hist, or empty
   ulong             ticket;
   ulong             order;
   ulong             deal;
   double            vol;
   double            price;
   double            profit;
   double            volcur;
   int               state;       // of a history order
   bool              pending;     // it was a pending order
   int               digits;
   bool              searched;    // the history could be searched at all
   bool              other;       // the id was seen on what was not ordered here
   int               deals;       // deals and orders in the searched range
   int               orders;
   long              from_s;
   long              to_s;
  };

//--- one FIND that found nothing and is waiting for its second look
struct Look
  {
   string            id;
   ulong             cid;
   Ordered           want;
   long              since_s;
   ulong             due;
   int               deals;
   int               orders;
   long              epoch;
   bool              steady;
  };

//--- one of ours that FLAT or the dead-man switch takes off, and when it may be touched again
struct Leaving
  {
   ulong             key;         // see OwnKey
   ulong             until;       // not before
   ulong             pause;       // after the next failure
   bool              under_way;   // it was sent and is done, or nobody knows
   string            told;        // the last failure, so that each is told once
  };

//--- the last FLAT of an account
struct Flat
  {
   string            acct;        // empty in a journal written before they were kept by account: it stops every account
   bool              on;
   ulong             cid;
   bool              said;        // in this life, so what the journal says is older
  };

//--- one subscribed symbol, and one subscribed series of bars
struct Subscription
  {
   string            sym;
   bool              ticks;
   long              ms;
   double            bid;
   double            ask;
   double            last;
  };
struct Series
  {
   string            sym;
   string            name;
   ENUM_TIMEFRAMES   tf;
   datetime          forming;     // open time of the bar that is not closed yet
  };

//--- link
int      g_handle = INVALID_HANDLE;
int      g_stage = LINK_CLOSED;
string   g_pipe = "";
uint     g_port = 0;
string   g_secret = "";
string   g_nonce = "";             // ours of this connection
string   g_other = "";             // the program's
ulong    g_opened = 0;             // when the connection was opened
ulong    g_retry = 0;              // not before this time
ulong    g_pause = 500;            // between attempts
ulong    g_heard = 0;              // last line received
ulong    g_contact = 0;            // last sign of a program that has proved itself and serves this account
ulong    g_polled = 0;             // last look at the link
ulong    g_spoke = 0;              // last line sent
ulong    g_leftover_at = 0;       // not before then are market orders that still work looked for
ulong    g_leftover_look = 0;     // when that was last done
ulong    g_hot = 0;                // until then the timer event waits for the next request
bool     g_wrote = false;          // the last operation on the pipe was a write
uchar    g_rx[];                   // bytes of lines not yet complete
string   g_tx = "";                // lines not yet written
long     g_q = 0;                  // lines sent on this connection
long     g_beat = 0;               // heartbeats sent
long     g_ack = 0;                // last heartbeat of the program
string   g_said = "";              // last sentence in the Experts log
string   g_greeted = "";           // account of this connection, login@server
ulong    g_salt = 0;               // grows with each nonce
string   g_told[];                 // notices for the next connection
//--- work that waits
Todo     g_orders[];
Todo     g_asks[];
Look     g_looks[];
//--- the one list that is being answered
string   g_job = "";
string   g_job_id = "";
int      g_job_at = 0;
int      g_job_tries = 0;
bool     g_job_hist_orders = false;
bool     g_job_synced = false;
bool     g_job_more = false;
string   g_job_sym = "";
int      g_job_positions = 0;
int      g_job_orders = 0;
long     g_job_rev = 0;
ulong    g_tickets[];
string   g_rows[];
MqlRates g_rates[];
//--- data
Subscription g_subs[];
Series   g_series[];
long     g_rev = 0;                // grows with every change of positions, orders or deals
ulong    g_mark = 0;               // fingerprint of positions and orders when rev was last looked at
string   g_flags = "";
string   g_account = "";
ulong    g_time_at = 0;            // when TIME was last told ...
long     g_time_ms = 0;            // ... and what: the program reckons made_ms from it
ulong    g_time_before_at = 0;     // the one before
long     g_time_before_ms = 0;
ulong    g_second_at = 0;          // last once-a-second round
long     g_offset = 0;
bool     g_connected = false;
ulong    g_connected_at = 0;
long     g_epoch = 0;              // grows with every loss of the trade server
long     g_clock_s = 0;            // broker's clock, whole seconds ...
ulong    g_clock_at = 0;           // ... and when that second was first seen
long     g_lead = 0;               // by so much it leads the newest quote, at least, in this window of time
long     g_lead_before = 0;        // ... and in the one before
ulong    g_lead_at = 0;            // when this window began
//--- journal and memory
int      g_journal = INVALID_HANDLE;
bool     g_unwritten = false;      // it could not be written when it was last needed
bool     g_torn = false;           // the journal's last line is incomplete
ulong    g_journal_size = 0;
ulong    g_compact_at = 0;         // not rewritten before this time
Outcome  g_memory[];
Filled   g_fills[];                // oldest first
bool     g_journal_read = false;   // what was sent before is known
Flat     g_flats[];                // one for each account that FLAT was ever said for
//--- what FLAT and the dead-man switch take off
Leaving  g_leaving[];
string   g_leaving_of = "";        // the account whose tickets these are
ulong    g_sent_ticket = 0;        // while the journal is read: of the last "sent" of FLAT or the dead-man switch
ulong    g_sweep_at = 0;           // the next look
string   g_hindered = "";          // why it could not go on at the last look
bool     g_dead = false;           // the dead-man switch has let go
ulong    g_dead_look = 0;          // when it was last looked at

//+------------------------------------------------------------------+
//| Clocks and the Experts log                                       |
//+------------------------------------------------------------------+
ulong NowMs()
  {
   return GetMicrosecondCount() / 1000;
  }

//--- broker's clock in milliseconds. The terminal gives whole seconds; the rest is counted from the moment when the second
//--- was first seen, so the result is never later than the truth and at most one second earlier.
long BrokerMs()
  {
   long s = (long)TimeTradeServer();
   ulong now = NowMs();
   if(s != g_clock_s)
     {
      g_clock_s = s;
      g_clock_at = now;
     }
   ulong part = now - g_clock_at;
   if(part > 999)
      part = 999;
   return s * 1000 + (long)part;
  }

//--- The clock of TimeTradeServer hangs on the computer's own, which may be minutes wrong. Quotes carry the server's true time, so
//--- the smallest lead of our clock over the newest quote is what it is wrong by. The smallest of the last minutes only: the
//--- computer's clock may be set. A silent market cannot hide behind this, since the window is longer than a price may be old.
void LookAtClock()
  {
   long lead = BrokerMs() - (long)TimeCurrent() * 1000;
   ulong now = NowMs();
   ulong window = InpTickAge > 60 ? (ulong)InpTickAge * 2000 : 120000;
   if(g_lead_at == 0 || now - g_lead_at >= window)
     {
      g_lead_before = g_lead_at == 0 ? lead : g_lead;
      g_lead = lead;
      g_lead_at = now;
     }
   if(lead < g_lead)
      g_lead = lead;
  }

//--- the server's time as its quotes tell it
long QuoteMs()
  {
   return BrokerMs() - (g_lead < g_lead_before ? g_lead : g_lead_before);
  }

//--- one sentence per state, not one per attempt
void Say(const string text)
  {
   if(text == g_said)
      return;
   g_said = text;
   Print("FX Executor: ", text);
  }

//--- empty or NULL: MQL5 tells the two apart, we do not
bool Blank(const string s)
  {
   return StringLen(s) == 0;
  }

//+------------------------------------------------------------------+
//| 2. Line codec                                                    |
//+------------------------------------------------------------------+
string Escape(const string s)
  {
   if(Blank(s))
      return "";
   string r = s;
   StringReplace(r, "\\", "\\\\");
   StringReplace(r, "\t", "\\t");
   StringReplace(r, "\n", "\\n");
   StringReplace(r, "\r", " ");
   return r;
  }

string Unescape(const string s)
  {
   if(StringFind(s, "\\") < 0)
      return s;
   string r = "";
   int n = StringLen(s);
   int from = 0;
   for(int i = 0; i < n; i++)
     {
      if(StringGetCharacter(s, i) != '\\' || i + 1 >= n)
         continue;
      if(i > from)
         r += StringSubstr(s, from, i - from);
      int c = (int)StringGetCharacter(s, i + 1);
      if(c == 't')
         r += "\t";
      else
         if(c == 'n')
            r += "\n";
         else
            r += StringSubstr(s, i + 1, 1);
      i++;
      from = i + 1;
     }
   if(from < n)
      r += StringSubstr(s, from, n - from);
   return r;
  }

string Txt(const string name, const string value)
  {
   return "\t" + name + "=" + Escape(value);
  }

string Int(const string name, const long value)
  {
   return "\t" + name + "=" + IntegerToString(value);
  }

string Flag(const string name, const bool value)
  {
   return "\t" + name + (value ? "=1" : "=0");
  }

string Num(const string name, const double value, const int digits)
  {
   return "\t" + name + "=" + DoubleToString(MathIsValidNumber(value) ? value : 0.0, digits);
  }

//--- a number whose count of decimals is not given by anything: without its trailing zeros
string Short(const double value)
  {
   string s = DoubleToString(MathIsValidNumber(value) ? value : 0.0, 8);
   int n = StringLen(s);
   while(n > 1 && StringGetCharacter(s, n - 1) == '0')
      n--;
   if(n > 1 && StringGetCharacter(s, n - 1) == '.')
      n--;
   return StringSubstr(s, 0, n);
  }

string Any(const string name, const double value)
  {
   return "\t" + name + "=" + Short(value);
  }

//--- decimals of a volume or price step
int StepDigits(const double step)
  {
   int d = 0;
   double x = step;
   while(d < 8 && MathAbs(x - MathRound(x)) > 1e-7)
     {
      x *= 10.0;
      d++;
     }
   return d;
  }

bool AsLong(const string s, long &value)
  {
   int n = StringLen(s);
   int i = (n > 0 && StringGetCharacter(s, 0) == '-') ? 1 : 0;
   if(n == i || n - i > 19)
      return false;
   string most = "9223372036854775807";
   int above = n - i < 19 ? -1 : 0;                      // of digits as many as the greatest has, the first other one decides
   for(int k = 0; i < n; i++)
     {
      int c = (int)StringGetCharacter(s, i);
      if(c < '0' || c > '9')
         return false;
      if(above == 0)
         above = c - (int)StringGetCharacter(most, k);
      k++;
     }
   if(above > 0)
      return false;
   value = StringToInteger(s);
   return true;
  }

bool AsDouble(const string s, double &value)
  {
   int n = StringLen(s);
   int i = (n > 0 && StringGetCharacter(s, 0) == '-') ? 1 : 0;
   int digits = 0;
   int dots = 0;
   for(; i < n; i++)
     {
      int c = (int)StringGetCharacter(s, i);
      if(c == '.')
         dots++;
      else
         if(c >= '0' && c <= '9')
            digits++;
         else
            return false;
     }
   if(digits == 0 || digits > 24 || dots > 1)
      return false;
   value = StringToDouble(s);
   return true;
  }

//--- false when the line is damaged; why says how
bool Parse(const string text, Message &m, string &why)
  {
   string parts[];
   m.n = 0;
   m.type = "";
   why = "";
   int n = Blank(text) ? 0 : StringSplit(text, '\t', parts);
   if(n < 1 || Blank(parts[0]))
     {
      why = "a line without a type";
      return false;
     }
   m.type = parts[0];
   if(n - 1 > MAX_FIELDS)
     {
      why = "too many fields";
      return false;
     }
   for(int i = 1; i < n; i++)
     {
      int eq = StringFind(parts[i], "=");
      if(eq < 1)
        {
         why = "a field without a key or '='";
         return false;
        }
      string key = StringSubstr(parts[i], 0, eq);
      for(int k = 0; k < m.n; k++)
         if(m.key[k] == key)
           {
            why = "the key " + key + " occurs twice";
            return false;
           }
      m.key[m.n] = key;
      m.val[m.n] = Unescape(StringSubstr(parts[i], eq + 1));
      m.n++;
     }
   return true;
  }

//--- the value of a key, empty when it is absent
string Get(const Message &m, const string key)
  {
   for(int i = 0; i < m.n; i++)
      if(m.key[i] == key)
         return m.val[i];
   return "";
  }

//--- a number, or what stands for an absent one; false when it is there and is not a number
bool GetLong(const Message &m, const string key, const long absent, long &value)
  {
   string s = Get(m, key);
   value = absent;
   return Blank(s) || AsLong(s, value);
  }

//--- milliseconds, of the broker's clock or of a time to live: from 1970 to 2100
bool GetMs(const Message &m, const string key, long &value)
  {
   return GetLong(m, key, 0, value) && value >= 0 && value <= MS_MOST;
  }

bool GetDouble(const Message &m, const string key, const double absent, double &value)
  {
   string s = Get(m, key);
   value = absent;
   return Blank(s) || AsDouble(s, value);
  }

//+------------------------------------------------------------------+
//| 3. Crypto                                                        |
//+------------------------------------------------------------------+
//--- UTF-8 bytes without the terminating zero
int Utf8(const string s, uchar &out[])
  {
   int n = StringToCharArray(s, out, 0, WHOLE_ARRAY, CP_UTF8);
   ArrayResize(out, n > 0 ? n - 1 : 0);
   return ArraySize(out);
  }

void Append(uchar &dst[], const uchar &src[])
  {
   int old = ArraySize(dst);
   int n = ArraySize(src);
   ArrayResize(dst, old + n, READ_CHUNK);
   for(int i = 0; i < n; i++)
      dst[old + i] = src[i];
  }

string Hex(const uchar &a[])
  {
   string s = "";
   for(int i = 0; i < ArraySize(a); i++)
      s += StringFormat("%02x", a[i]);
   return s;
  }

void Sha256(const uchar &data[], uchar &out[])
  {
   uchar nokey[];
   CryptEncode(CRYPT_HASH_SHA256, data, nokey, out);
  }

string Sha256Hex(const string text)
  {
   uchar data[];
   uchar out[];
   Utf8(text, data);
   Sha256(data, out);
   return Hex(out);
  }

//--- HMAC (RFC 2104) out of the one hash that MQL5 offers
string HmacHex(const string secret, const string text)
  {
   uchar key[];
   uchar msg[];
   uchar inner[];
   uchar outer[];
   uchar hash[];
   Utf8(secret, key);
   Utf8(text, msg);
   if(ArraySize(key) > 64)
     {
      Sha256(key, hash);
      ArrayResize(key, 0);
      Append(key, hash);
     }
   int len = ArraySize(key);
   ArrayResize(inner, 64);
   ArrayResize(outer, 64);
   for(int i = 0; i < 64; i++)
     {
      uchar k = (uchar)(i < len ? key[i] : 0);
      inner[i] = (uchar)(k ^ 0x36);
      outer[i] = (uchar)(k ^ 0x5c);
     }
   Append(inner, msg);
   Sha256(inner, hash);
   Append(outer, hash);
   Sha256(outer, hash);
   return Hex(hash);
  }

//--- a nonce that nobody without the secret can foretell and that does not come twice
string NewNonce()
  {
   g_salt++;
   return HmacHex(g_secret, "nonce|" + IntegerToString((long)g_salt) + "|" + IntegerToString((long)GetMicrosecondCount()) + "|" +
                  IntegerToString((long)TimeLocal()) + "|" + IntegerToString(MathRand()) + "|" + g_nonce + "|" +
                  TerminalInfoString(TERMINAL_DATA_PATH));
  }

//--- FNV-1a, 64 bits: for fingerprints that nobody attacks
ulong Fnv(const string text)
  {
   uchar b[];
   int n = Utf8(text, b);
   ulong h = 0xcbf29ce484222325;
   for(int i = 0; i < n; i++)
      h = (h ^ b[i]) * 0x100000001b3;
   return h;
  }

ulong FnvNext(const ulong h, const ulong value)
  {
   return (h ^ value) * 0x100000001b3;
  }

//+------------------------------------------------------------------+
//| 4. Link: two transports that carry the same bytes                |
//+------------------------------------------------------------------+
//--- where the program listens and the secret both share; read before each attempt, since each start of the program renews them
bool ReadLinkFile()
  {
   g_pipe = "";
   g_port = 0;
   g_secret = "";
   int h = FileOpen(LINK_FILE, FILE_READ | FILE_BIN | FILE_COMMON | FILE_SHARE_READ | FILE_SHARE_WRITE);
   if(h == INVALID_HANDLE)
     {
      Say("Waiting for FX Executor; is it running? It has left no link file on this computer.");
      return false;
     }
   uchar b[];
   uint n = FileReadArray(h, b, 0, 4096);
   FileClose(h);
   string rows[];
   string text = n > 0 ? CharArrayToString(b, 0, (int)n, CP_UTF8) : "";
   int count = StringSplit(text, '\n', rows);
   long proto = 0;
   long port = 0;
   for(int i = 0; i < count; i++)
     {
      string row = rows[i];
      StringReplace(row, "\r", "");
      int eq = StringFind(row, "=");
      if(eq < 1)
         continue;
      string key = StringSubstr(row, 0, eq);
      string value = StringSubstr(row, eq + 1);
      if(key == "proto" && !AsLong(value, proto))
         proto = 0;
      if(key == "pipe")
         g_pipe = value;
      if(key == "port" && !AsLong(value, port))
         port = 0;
      if(key == "secret")
         g_secret = value;
     }
   if(proto != EA_PROTO)
     {
      Say("Waiting for FX Executor: it speaks another version of the link. Install the Expert Advisor that came with it.");
      return false;
     }
   bool usable = StringLen(g_secret) == 64;
   usable = usable && (InpTcp ? (port > 0 && port < 65536)
                       : (!Blank(g_pipe) && StringFind(g_pipe, "\\") < 0 && StringFind(g_pipe, "/") < 0));
   if(!usable)
     {
      Say("Waiting for FX Executor: its link file is not complete; start FX Executor again.");
      return false;
     }
   g_port = (uint)port;
   return true;
  }

bool LinkOpen()
  {
   ResetLastError();
   if(!InpTcp)
     {
      g_handle = FileOpen("\\\\.\\pipe\\" + g_pipe, FILE_READ | FILE_WRITE | FILE_BIN);
      g_wrote = false;
      if(g_handle == INVALID_HANDLE)
         Say("Waiting for FX Executor; is it running?");
      return g_handle != INVALID_HANDLE;
     }
   g_handle = SocketCreate();
   if(g_handle != INVALID_HANDLE && SocketConnect(g_handle, "127.0.0.1", g_port, 200))
     {
      SocketTimeouts(g_handle, 2000, 2000);
      return true;
     }
   int err = GetLastError();
   if(g_handle != INVALID_HANDLE)
      SocketClose(g_handle);
   g_handle = INVALID_HANDLE;
   if(err == ERR_FUNCTION_NOT_ALLOWED)
      Say("Waiting for you: add 127.0.0.1 in Tools > Options > Expert Advisors > \"Allow WebRequest for listed URL\", or set InpTcp to false.");
   else
      Say("Waiting for FX Executor; is it running?");
   return false;
  }

void LinkClose()
  {
   if(g_handle == INVALID_HANDLE)
      return;
   if(InpTcp)
      SocketClose(g_handle);
   else
      FileClose(g_handle);
   g_handle = INVALID_HANDLE;
  }

//--- bytes read, 0 = nothing there, -1 = the link is lost
int LinkRead(uchar &into[], const int wait)
  {
   ArrayResize(into, 0);
   ResetLastError();
   if(InpTcp)
     {
      uint ready = SocketIsReadable(g_handle);         // may say 1 on an empty buffer once
      if(ready == 0 && wait <= 0)
         return SocketIsConnected(g_handle) ? 0 : -1;
      uint want = ready > READ_CHUNK ? READ_CHUNK : (ready > 0 ? ready : 1);
      int r = SocketRead(g_handle, into, want, (uint)(wait > 0 ? wait : 1));
      if(r > 0)
         return r;
      return (GetLastError() == ERR_NETSOCKET_IO_ERROR || !SocketIsConnected(g_handle)) ? -1 : 0;
     }
   if(g_wrote)
     {
      FileSeek(g_handle, 0, SEEK_SET);                 // FileOpen, named pipes: between writing and reading
      g_wrote = false;
     }
   ulong avail = FileSize(g_handle);                   // for a pipe: the bytes that wait in it
   ulong until = GetMicrosecondCount() + (ulong)(wait > 0 ? wait : 0) * 1000;
   while(avail == 0 && GetMicrosecondCount() < until)
      avail = FileSize(g_handle);
   if(avail == 0)
      return 0;
   uint got = FileReadArray(g_handle, into, 0, (int)(avail > READ_CHUNK ? READ_CHUNK : avail));
   return got > 0 ? (int)got : -1;
  }

//--- bytes written, which may be fewer than asked for; 0 or less = the link is lost
int LinkWrite(const uchar &b[], const int from, const int n)
  {
   if(InpTcp)
     {
      if(from == 0)
         return SocketSend(g_handle, b, (uint)n);
      uchar part[];
      ArrayCopy(part, b, 0, from, n);
      return SocketSend(g_handle, part, (uint)n);
     }
   FileSeek(g_handle, 0, SEEK_SET);                    // FileOpen, named pipes: between reading and writing
   uint w = FileWriteArray(g_handle, b, from, n);
   FileFlush(g_handle);
   g_wrote = true;
   return (int)w;
  }

bool Up()
  {
   return g_handle != INVALID_HANDLE && g_stage == LINK_UP;
  }

//--- the connection is over: nothing that came over it is done any more
void Forget()
  {
   LinkClose();
   g_stage = LINK_CLOSED;
   g_tx = "";
   g_nonce = "";
   g_job = "";
   ArrayResize(g_rx, 0);
   ArrayResize(g_orders, 0);
   ArrayResize(g_asks, 0);
   ArrayResize(g_looks, 0);
   ArrayResize(g_subs, 0);
   ArrayResize(g_series, 0);
   ArrayResize(g_rows, 0);
   g_retry = NowMs() + g_pause;
   g_pause = g_pause * 2 > 5000 ? 5000 : g_pause * 2;
  }

//--- writes what is collected: one write for a whole event, so that the program sees it in one piece
void Flush()
  {
   if(g_handle == INVALID_HANDLE || Blank(g_tx))
      return;
   uchar b[];
   int n = Utf8(g_tx, b);
   int off = 0;
   g_tx = "";
   while(off < n)
     {
      int w = LinkWrite(b, off, n - off);
      if(w <= 0)
        {
         Forget();
         Say("The link to FX Executor broke; connecting again.");
         return;
        }
      off += w;
     }
   g_spoke = NowMs();
  }

//--- a line of any stage: HELLO, AUTH and BYE only
void Put(const string type, const string fields)
  {
   if(g_handle == INVALID_HANDLE)
      return;
   g_q++;
   g_tx += type + "\tq=" + IntegerToString(g_q) + "\tt=" + IntegerToString((long)GetMicrosecondCount()) + fields + "\n";
   if(StringLen(g_tx) >= READ_CHUNK)
      Flush();
  }

//--- a line to a program that has proved itself
void Line(const string type, const string fields)
  {
   if(Up())
      Put(type, fields);
  }

void Bye(const string reason)
  {
   if(g_handle == INVALID_HANDLE)
      return;
   Put("BYE", Txt("reason", reason));
   Flush();
   Forget();
  }

void Fault(const string id, const int code, const string text)
  {
   Line("ERR", (Blank(id) ? "" : Txt("id", id)) + Int("code", code) + Txt("text", text));
  }

//--- tells the program what the EA did by itself, now or at the next connection
void Tell(const string level, const string code, const string text)
  {
   string fields = Txt("level", level) + Txt("code", code) + Txt("text", text);
   Print("FX Executor: ", text);
   if(Up())
     {
      Line("LOG", fields);
      return;
     }
   int n = ArraySize(g_told);
   if(n < MAX_TOLD)
     {
      ArrayResize(g_told, n + 1);
      g_told[n] = fields;
     }
  }

//+------------------------------------------------------------------+
//| 5. Journal: what was sent and what came of it                    |
//|                                                                  |
//| One record a line, its fields separated by TAB, a checksum last: |
//|   S cid kind hash ms ticket          about to be sent            |
//|   R cid kind hash ms stage ...       what came of it             |
//|   F on ms account cid                trading is stopped, or not  |
//| A record whose checksum is wrong was torn by a crash and is left |
//| out: its request never left, since S is flushed before sending.  |
//+------------------------------------------------------------------+
string JournalName()
  {
   string role = "";
   for(int i = 0; i < StringLen(InpRole) && i < 32; i++)
     {
      int c = (int)StringGetCharacter(InpRole, i);
      bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
      role += plain ? StringSubstr(InpRole, i, 1) : "_";
     }
   return "FX-Executor\\journal-" + role + ".txt";
  }

string Sealed(const string record)
  {
   return record + "\t" + StringFormat("%08x", (uint)(Fnv(record) & 0xffffffff)) + "\n";
  }

bool JournalOpen()
  {
   if(g_journal != INVALID_HANDLE)
      return true;
   g_journal = FileOpen(JournalName(), FILE_READ | FILE_WRITE | FILE_BIN | FILE_SHARE_READ);
   if(g_journal == INVALID_HANDLE)
      return false;
   g_journal_size = FileSize(g_journal);
   return true;
  }

string FlatRecord(const Flat &flat)
  {
   return "F\t" + (flat.on ? "1" : "0") + "\t" + IntegerToString(BrokerMs()) + "\t" + Escape(flat.acct) + "\t" +
          IntegerToString((long)flat.cid);
  }

//--- appends and flushes; false when the record is not safely down
bool JournalAppend(const string record)
  {
   if(!g_journal_read || !JournalOpen())
      return false;
   uchar b[];
   int n = Utf8((g_torn ? "\n" : "") + Sealed(record), b);
   ResetLastError();
   if(!FileSeek(g_journal, 0, SEEK_END))
      return false;
   uint w = FileWriteArray(g_journal, b, 0, n);
   if((int)w != n)
     {
      g_torn = true;
      FileClose(g_journal);                            // a full disk or a lost drive: opened anew next time
      g_journal = INVALID_HANDLE;
      return false;
     }
   FileFlush(g_journal);
   g_torn = false;
   ulong before = g_journal_size;
   g_journal_size += (ulong)n;
   //--- only the last JOURNAL_READ bytes are read at start: a stop is said again long before it lies further back than that
   for(int i = 0; i < ArraySize(g_flats) && before / JOURNAL_LARGE != g_journal_size / JOURNAL_LARGE; i++)
      JournalAppend(FlatRecord(g_flats[i]));
   return true;
  }

string SentRecord(const Outcome &o, const ulong ticket)
  {
   return "S\t" + IntegerToString((long)o.cid) + "\t" + o.kind + "\t" + IntegerToString((long)o.hash) + "\t" +
          IntegerToString(o.ms) + "\t" + IntegerToString((long)ticket);
  }

string ResultRecord(const Outcome &o)
  {
   return "R\t" + IntegerToString((long)o.cid) + "\t" + o.kind + "\t" + IntegerToString((long)o.hash) + "\t" +
          IntegerToString(o.ms) + "\t" + o.stage + "\t" + (o.ok ? "1" : "0") + "\t" + IntegerToString(o.retcode) + "\t" +
          IntegerToString(o.ext) + "\t" + IntegerToString((long)o.order) + "\t" + IntegerToString((long)o.deal) + "\t" +
          IntegerToString((long)o.pos) + "\t" + Short(o.vol) + "\t" + Short(o.price) + "\t" + Short(o.bid) + "\t" +
          Short(o.ask) + "\t" + Short(o.profit) + "\t" + IntegerToString(o.digits) + "\t" + IntegerToString(o.reqid) + "\t" +
          IntegerToString(o.err) + "\t" + Escape(o.comment) + "\t" + Escape(o.acct) + "\t" + Escape(o.sym) + "\t" +
          IntegerToString(o.side);
  }

//--- keeps what an order filled; told again, the volume may have grown
void NoteFill(const Outcome &o)
  {
   if(!o.ok || o.side == 0 || o.vol <= 0.0 || (o.order == 0 && o.deal == 0))
      return;
   int n = ArraySize(g_fills);
   int at = 0;
   while(at < n && (g_fills[at].acct != o.acct || g_fills[at].order != o.order || g_fills[at].deal != o.deal))
      at++;
   if(at == n)
     {
      if(n >= MAX_FILLS)
        {
         for(int k = 0; k + 1 < n; k++)
            g_fills[k] = g_fills[k + 1];
         at = n - 1;
        }
      else
         ArrayResize(g_fills, n + 1, 64);
     }
   g_fills[at].cid = o.cid;
   g_fills[at].acct = o.acct;
   g_fills[at].sym = o.sym;
   g_fills[at].side = o.side;
   g_fills[at].vol = o.vol;
   g_fills[at].order = o.order;
   g_fills[at].deal = o.deal;
   g_fills[at].pos = o.pos;
   g_fills[at].ms = o.ms;
  }

int Remembered(const ulong cid)
  {
   for(int i = ArraySize(g_memory) - 1; i >= 0; i--)
      if(g_memory[i].cid == cid)
         return i;
   return -1;
  }

//--- forgets the oldest definite ones down to MAX_MEMORY; what is open is never forgotten
void MakeRoom()
  {
   int n = ArraySize(g_memory);
   int kept = 0;
   for(int i = 0; i < n; i++)
     {
      if(n - i + kept > MAX_MEMORY && g_memory[i].stage != "sent")
         continue;
      if(kept != i)
         g_memory[kept] = g_memory[i];
      kept++;
     }
   ArrayResize(g_memory, kept, MEMORY_MORE);
  }

//--- keeps the newest MAX_MEMORY, and some more until they are worth a pass over all; false when all of it is open
bool Remember(const Outcome &o)
  {
   int i = Remembered(o.cid);
   if(i >= 0)
     {
      g_memory[i] = o;
      return true;
     }
   if(ArraySize(g_memory) >= MAX_MEMORY + MEMORY_MORE)
      MakeRoom();
   int n = ArraySize(g_memory);
   if(n >= MAX_MEMORY + MEMORY_MORE)
      return false;
   ArrayResize(g_memory, n + 1, MEMORY_MORE);
   g_memory[n] = o;
   return true;
  }

void ClearOutcome(Outcome &o)
  {
   o.cid = 0;
   o.hash = 0;
   o.kind = "";
   o.stage = "refused";
   o.ok = false;
   o.unwritten = false;
   o.keep = true;
   o.retcode = 0;
   o.ext = 0;
   o.order = 0;
   o.deal = 0;
   o.pos = 0;
   o.vol = 0.0;
   o.price = 0.0;
   o.bid = 0.0;
   o.ask = 0.0;
   o.profit = 0.0;
   o.digits = 5;
   o.reqid = 0;
   o.err = 0;
   o.comment = "";
   o.money = "";
   o.ms = 0;
   o.acct = "";
   o.sym = "";
   o.side = 0;
  }

//--- names an order or a position; on hedging both may have one number
ulong OwnKey(const ulong ticket, const bool order)
  {
   return ticket * 2 + (order ? 0 : 1);
  }

bool Hedging()
  {
   return AccountInfoInteger(ACCOUNT_MARGIN_MODE) == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING;
  }

ulong DoubtMs()
  {
   return Hedging() ? DOUBT_MS : DOUBT_NET_MS;
  }

//--- the record of one that is being taken off, made when there is none
int LeavingAt(const ulong key)
  {
   int n = ArraySize(g_leaving);
   for(int i = 0; i < n; i++)
      if(g_leaving[i].key == key)
         return i;
   ulong now = NowMs();
   int kept = 0;
   for(int i = 0; i < n; i++)
      if(now < g_leaving[i].until + DOUBT_NET_MS)
         g_leaving[kept++] = g_leaving[i];               // what was not touched for so long is gone
   ArrayResize(g_leaving, kept + 1, 64);
   g_leaving[kept].key = key;
   g_leaving[kept].until = 0;
   g_leaving[kept].pause = 1000;
   g_leaving[kept].under_way = false;
   g_leaving[kept].told = "";
   return kept;
  }

void Hold(const ulong key, const ulong ms, const bool under_way)
  {
   int i = LeavingAt(key);
   g_leaving[i].until = NowMs() + ms;
   g_leaving[i].under_way = under_way;
  }

//--- the record of an account's FLAT, made when there is none
int FlatAt(const string acct)
  {
   int n = ArraySize(g_flats);
   for(int i = 0; i < n; i++)
      if(g_flats[i].acct == acct)
         return i;
   ArrayResize(g_flats, n + 1, 16);
   g_flats[n].acct = acct;
   g_flats[n].on = false;
   g_flats[n].cid = 0;
   g_flats[n].said = false;
   return n;
  }

//--- false when the record is damaged
bool JournalTake(const string line)
  {
   int cut = StringLen(line) - 9;
   if(cut < 3 || StringGetCharacter(line, cut) != '\t')
      return false;
   string record = StringSubstr(line, 0, cut);
   if(Sealed(record) != line + "\n")
      return false;
   string f[];
   int n = StringSplit(record, '\t', f);
   if(f[0] == "F" && n >= 2)
     {
      int i = FlatAt(n >= 5 ? Unescape(f[3]) : "");
      if(!g_flats[i].said)
        {
         g_flats[i].on = f[1] == "1";
         g_flats[i].cid = n >= 5 ? (ulong)StringToInteger(f[4]) : 0;
        }
      return true;
     }
   if(n < 6 || (f[0] != "S" && f[0] != "R"))
      return f[0] == "#";
   Outcome o;
   ClearOutcome(o);
   o.cid = (ulong)StringToInteger(f[1]);
   o.kind = f[2];
   o.hash = (ulong)StringToInteger(f[3]);
   o.ms = StringToInteger(f[4]);
   o.stage = "sent";
   if(f[0] == "R" && n >= 21)
     {
      o.stage = f[5];
      o.ok = f[6] == "1";
      o.retcode = StringToInteger(f[7]);
      o.ext = StringToInteger(f[8]);
      o.order = (ulong)StringToInteger(f[9]);
      o.deal = (ulong)StringToInteger(f[10]);
      o.pos = (ulong)StringToInteger(f[11]);
      o.vol = StringToDouble(f[12]);
      o.price = StringToDouble(f[13]);
      o.bid = StringToDouble(f[14]);
      o.ask = StringToDouble(f[15]);
      o.profit = StringToDouble(f[16]);
      o.digits = (int)StringToInteger(f[17]);
      o.reqid = StringToInteger(f[18]);
      o.err = (int)StringToInteger(f[19]);
      o.comment = Unescape(f[20]);
      if(n >= 24)
        {
         o.acct = Unescape(f[21]);
         o.sym = Unescape(f[22]);
         o.side = (int)StringToInteger(f[23]);
         NoteFill(o);
        }
     }
   if(o.cid == 0)
     {
      //--- FLAT and the dead-man switch: of the position whose close has no answer, not to close it a second time
      if(o.kind != "FLAT" && o.kind != "DEADMAN")
         return true;
      if(f[0] == "S")
         g_sent_ticket = (ulong)StringToInteger(f[5]);
      bool doubt = f[0] == "S" || f[5] == "sent";
      if(BrokerMs() - o.ms < DOUBT_NET_MS && g_sent_ticket != 0)
         Hold(OwnKey(g_sent_ticket, false), doubt ? DoubtMs() : 0, doubt);
      return true;
     }
   Remember(o);
   return true;
  }

//--- reads the whole journal into the memory, at start or as soon as it can be opened. Until then nobody knows what was sent
//--- before, and nothing is sent: false.
bool JournalReady()
  {
   if(g_journal_read)
      return true;
   string name = JournalName();
   //--- a crash between the two steps of rewriting it: the new one is the journal, and an empty one must not take its place
   if(!FileIsExist(name) && FileIsExist(name + ".new") && !FileMove(name + ".new", 0, name, FILE_REWRITE))
      return false;
   if(!JournalOpen())
      return false;
   ulong from = g_journal_size > JOURNAL_READ ? g_journal_size - JOURNAL_READ : 0;
   uchar b[];
   FileSeek(g_journal, (long)from, SEEK_SET);
   int n = (int)FileReadArray(g_journal, b, 0, (int)(g_journal_size - from));
   if((ulong)n != g_journal_size - from)
     {
      FileClose(g_journal);                               // a lost drive: opened anew and read again
      g_journal = INVALID_HANDLE;
      return false;
     }
   g_journal_read = true;
   int start = 0;
   int damaged = 0;
   for(int i = 0; i < n; i++)
      if(b[i] == '\n')
        {
         if(i > start && !(start == 0 && from > 0))
           {
            if(!JournalTake(CharArrayToString(b, start, i - start, CP_UTF8)))
               damaged++;
           }
         start = i + 1;
        }
   g_torn = start < n;
   if(damaged > 0 || g_torn)
      Tell("warn", "journal", "The journal has " + IntegerToString(damaged + (g_torn ? 1 : 0)) +
           " incomplete record(s), as after a crash. Nothing was sent for them.");
   return true;
  }

//--- whether a close of FLAT or of the dead-man switch has no answer yet: only the journal tells that after a restart
bool LeavesInDoubt()
  {
   ulong now = NowMs();
   for(int i = 0; i < ArraySize(g_leaving); i++)
      if(g_leaving[i].under_way && now < g_leaving[i].until)
         return true;
   return false;
  }

//--- writes the memory into a new file and puts it in the place of the old one
void JournalCompact()
  {
   if(LeavesInDoubt())
     {
      g_compact_at = NowMs() + 10000;
      return;
     }
   g_compact_at = NowMs() + 600000;
   string name = JournalName();
   int h = FileOpen(name + ".new", FILE_WRITE | FILE_BIN);
   if(h == INVALID_HANDLE)
      return;
   string text = Sealed("#\tFX Executor, journal of the Expert Advisor\t1");
   bool good = true;
   for(int i = 0; i < ArraySize(g_fills); i++)
     {
      if(g_fills[i].cid != 0)
         continue;                                       // those of FLAT and the dead-man switch are in no memory
      Outcome o;
      ClearOutcome(o);
      o.kind = "FILL";
      o.stage = "done";
      o.ok = true;
      o.acct = g_fills[i].acct;
      o.sym = g_fills[i].sym;
      o.side = g_fills[i].side;
      o.vol = g_fills[i].vol;
      o.order = g_fills[i].order;
      o.deal = g_fills[i].deal;
      o.pos = g_fills[i].pos;
      o.ms = g_fills[i].ms;
      text += Sealed(ResultRecord(o));
     }
   for(int i = 0; i < ArraySize(g_memory); i++)
     {
      text += Sealed(ResultRecord(g_memory[i]));
      if(StringLen(text) > READ_CHUNK || i + 1 == ArraySize(g_memory))
        {
         uchar b[];
         int n = Utf8(text, b);
         good = good && (int)FileWriteArray(h, b, 0, n) == n;
         text = "";
        }
     }
   for(int i = 0; i < ArraySize(g_flats); i++)
      text += Sealed(FlatRecord(g_flats[i]));
   uchar last[];
   int size = Utf8(text, last);
   good = good && (int)FileWriteArray(h, last, 0, size) == size;
   FileFlush(h);
   FileClose(h);
   if(!good)
      return;
   FileClose(g_journal);
   g_journal = INVALID_HANDLE;
   if(FileMove(name + ".new", 0, name, FILE_REWRITE))
      g_torn = false;                                    // else the old one stays, as it is
   JournalOpen();
  }

//--- step 7: "sent" is on the disk before anything leaves. What must go out without it is kept in the memory all the same, so that
//--- it is not sent twice, and the trader is told once while it lasts.
bool JournalSent(Outcome &o, const ulong ticket, const bool must)
  {
   o.ms = BrokerMs();
   o.stage = "sent";
   o.unwritten = !JournalAppend(SentRecord(o, ticket));
   if(o.unwritten && must)
      return false;
   if(o.unwritten && !g_unwritten)
      Tell("error", "journal", "The journal MQL5\\Files\\" + JournalName() + " cannot be written (is the disk full or the folder locked?). " +
           "Positions and orders are closed and cancelled without it; nothing new is opened.");
   if(!o.unwritten && g_unwritten)
      Tell("warn", "journal", "The journal can be written again.");
   g_unwritten = o.unwritten;
   return o.cid == 0 || Remember(o);
  }

//--- step 9: the result. An outcome that is not definite stays "sent".
void JournalResult(Outcome &o)
  {
   o.ms = BrokerMs();
   if(o.cid != 0)
      Remember(o);
   NoteFill(o);
   JournalAppend(ResultRecord(o));
  }

//+------------------------------------------------------------------+
//| 6. Data: the names of MetaTrader's numbers                       |
//+------------------------------------------------------------------+
string OrderTypeName(const long t)
  {
   switch((int)t)
     {
      case ORDER_TYPE_BUY:             return "buy";
      case ORDER_TYPE_SELL:            return "sell";
      case ORDER_TYPE_BUY_LIMIT:       return "buy_limit";
      case ORDER_TYPE_SELL_LIMIT:      return "sell_limit";
      case ORDER_TYPE_BUY_STOP:        return "buy_stop";
      case ORDER_TYPE_SELL_STOP:       return "sell_stop";
      case ORDER_TYPE_BUY_STOP_LIMIT:  return "buy_stop_limit";
      case ORDER_TYPE_SELL_STOP_LIMIT: return "sell_stop_limit";
      case ORDER_TYPE_CLOSE_BY:        return "close_by";
     }
   return IntegerToString(t);
  }

bool OrderTypeOf(const string s, ENUM_ORDER_TYPE &t)
  {
   for(int i = (int)ORDER_TYPE_BUY; i <= (int)ORDER_TYPE_SELL_STOP_LIMIT; i++)
      if(!Blank(s) && OrderTypeName(i) == s)
        {
         t = (ENUM_ORDER_TYPE)i;
         return true;
        }
   return false;
  }

bool IsBuy(const ENUM_ORDER_TYPE t)
  {
   return t == ORDER_TYPE_BUY || t == ORDER_TYPE_BUY_LIMIT || t == ORDER_TYPE_BUY_STOP || t == ORDER_TYPE_BUY_STOP_LIMIT;
  }

string OrderStateName(const long s)
  {
   switch((int)s)
     {
      case ORDER_STATE_STARTED:        return "started";
      case ORDER_STATE_PLACED:         return "placed";
      case ORDER_STATE_CANCELED:       return "canceled";
      case ORDER_STATE_PARTIAL:        return "partial";
      case ORDER_STATE_FILLED:         return "filled";
      case ORDER_STATE_REJECTED:       return "rejected";
      case ORDER_STATE_EXPIRED:        return "expired";
      case ORDER_STATE_REQUEST_ADD:    return "request_add";
      case ORDER_STATE_REQUEST_MODIFY: return "request_modify";
      case ORDER_STATE_REQUEST_CANCEL: return "request_cancel";
     }
   return IntegerToString(s);
  }

string FillName(const long f)
  {
   switch((int)f)
     {
      case ORDER_FILLING_FOK:    return "fok";
      case ORDER_FILLING_IOC:    return "ioc";
      case ORDER_FILLING_RETURN: return "return";
      case ORDER_FILLING_BOC:    return "boc";
     }
   return IntegerToString(f);
  }

string LifetimeName(const long t)
  {
   switch((int)t)
     {
      case ORDER_TIME_GTC:           return "gtc";
      case ORDER_TIME_DAY:           return "day";
      case ORDER_TIME_SPECIFIED:     return "specified";
      case ORDER_TIME_SPECIFIED_DAY: return "specified_day";
     }
   return IntegerToString(t);
  }

string ReasonName(const long r)
  {
   switch((int)r)
     {
      case DEAL_REASON_CLIENT:   return "client";
      case DEAL_REASON_MOBILE:   return "mobile";
      case DEAL_REASON_WEB:      return "web";
      case DEAL_REASON_EXPERT:   return "expert";
      case DEAL_REASON_SL:       return "sl";
      case DEAL_REASON_TP:       return "tp";
      case DEAL_REASON_SO:       return "so";
      case DEAL_REASON_ROLLOVER: return "rollover";
      case DEAL_REASON_VMARGIN:  return "vmargin";
      case DEAL_REASON_SPLIT:    return "split";
     }
   return IntegerToString(r);
  }

string DealTypeName(const long t)
  {
   switch((int)t)
     {
      case DEAL_TYPE_BUY:        return "buy";
      case DEAL_TYPE_SELL:       return "sell";
      case DEAL_TYPE_BALANCE:    return "balance";
      case DEAL_TYPE_CREDIT:     return "credit";
      case DEAL_TYPE_CHARGE:     return "charge";
      case DEAL_TYPE_CORRECTION: return "correction";
      case DEAL_TYPE_BONUS:      return "bonus";
      case DEAL_TYPE_COMMISSION: return "commission";
     }
   return "other" + IntegerToString(t);
  }

string EntryName(const long e)
  {
   switch((int)e)
     {
      case DEAL_ENTRY_IN:     return "in";
      case DEAL_ENTRY_OUT:    return "out";
      case DEAL_ENTRY_INOUT:  return "inout";
      case DEAL_ENTRY_OUT_BY: return "out_by";
     }
   return IntegerToString(e);
  }

string TransactionName(const long t)
  {
   switch((int)t)
     {
      case TRADE_TRANSACTION_ORDER_ADD:      return "order_add";
      case TRADE_TRANSACTION_ORDER_UPDATE:   return "order_update";
      case TRADE_TRANSACTION_ORDER_DELETE:   return "order_delete";
      case TRADE_TRANSACTION_HISTORY_ADD:    return "history_add";
      case TRADE_TRANSACTION_HISTORY_UPDATE: return "history_update";
      case TRADE_TRANSACTION_HISTORY_DELETE: return "history_delete";
      case TRADE_TRANSACTION_DEAL_ADD:       return "deal_add";
      case TRADE_TRANSACTION_DEAL_UPDATE:    return "deal_update";
      case TRADE_TRANSACTION_DEAL_DELETE:    return "deal_delete";
      case TRADE_TRANSACTION_POSITION:       return "position";
      case TRADE_TRANSACTION_REQUEST:        return "request";
     }
   return IntegerToString(t);
  }

string ExecutionName(const long e)
  {
   switch((int)e)
     {
      case SYMBOL_TRADE_EXECUTION_REQUEST:  return "request";
      case SYMBOL_TRADE_EXECUTION_INSTANT:  return "instant";
      case SYMBOL_TRADE_EXECUTION_MARKET:   return "market";
      case SYMBOL_TRADE_EXECUTION_EXCHANGE: return "exchange";
     }
   return IntegerToString(e);
  }

string TradeModeName(const long m)
  {
   switch((int)m)
     {
      case SYMBOL_TRADE_MODE_DISABLED:  return "disabled";
      case SYMBOL_TRADE_MODE_LONGONLY:  return "long";
      case SYMBOL_TRADE_MODE_SHORTONLY: return "short";
      case SYMBOL_TRADE_MODE_CLOSEONLY: return "close";
      case SYMBOL_TRADE_MODE_FULL:      return "full";
     }
   return IntegerToString(m);
  }

string GtcName(const long m)
  {
   switch((int)m)
     {
      case SYMBOL_ORDERS_GTC:                   return "gtc";
      case SYMBOL_ORDERS_DAILY:                 return "daily";
      case SYMBOL_ORDERS_DAILY_EXCLUDING_STOPS: return "daily_ex_stops";
     }
   return IntegerToString(m);
  }

string CalcName(const long m)
  {
   switch((int)m)
     {
      case SYMBOL_CALC_MODE_FOREX:             return "forex";
      case SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE: return "forex_no_leverage";
      case SYMBOL_CALC_MODE_FUTURES:           return "futures";
      case SYMBOL_CALC_MODE_CFD:               return "cfd";
      case SYMBOL_CALC_MODE_CFDINDEX:          return "cfd_index";
      case SYMBOL_CALC_MODE_CFDLEVERAGE:       return "cfd_leverage";
      case SYMBOL_CALC_MODE_EXCH_STOCKS:       return "exch_stocks";
      case SYMBOL_CALC_MODE_EXCH_FUTURES:      return "exch_futures";
     }
   return "other" + IntegerToString(m);
  }

string TimeframeName(const ENUM_TIMEFRAMES tf)
  {
   switch((int)tf)
     {
      case PERIOD_M1:  return "M1";
      case PERIOD_M2:  return "M2";
      case PERIOD_M3:  return "M3";
      case PERIOD_M4:  return "M4";
      case PERIOD_M5:  return "M5";
      case PERIOD_M6:  return "M6";
      case PERIOD_M10: return "M10";
      case PERIOD_M12: return "M12";
      case PERIOD_M15: return "M15";
      case PERIOD_M20: return "M20";
      case PERIOD_M30: return "M30";
      case PERIOD_H1:  return "H1";
      case PERIOD_H2:  return "H2";
      case PERIOD_H3:  return "H3";
      case PERIOD_H4:  return "H4";
      case PERIOD_H6:  return "H6";
      case PERIOD_H8:  return "H8";
      case PERIOD_H12: return "H12";
      case PERIOD_D1:  return "D1";
      case PERIOD_W1:  return "W1";
      case PERIOD_MN1: return "MN1";
     }
   return "";
  }

bool TimeframeOf(const string s, ENUM_TIMEFRAMES &tf)
  {
   ENUM_TIMEFRAMES all[21] = {PERIOD_M1, PERIOD_M2, PERIOD_M3, PERIOD_M4, PERIOD_M5, PERIOD_M6, PERIOD_M10, PERIOD_M12, PERIOD_M15, PERIOD_M20, PERIOD_M30, PERIOD_H1, PERIOD_H2, PERIOD_H3, PERIOD_H4, PERIOD_H6, PERIOD_H8, PERIOD_H12, PERIOD_D1, PERIOD_W1, PERIOD_MN1};
   for(int i = 0; i < 21; i++)
      if(TimeframeName(all[i]) == s)
        {
         tf = all[i];
         return true;
        }
   return false;
  }

//+------------------------------------------------------------------+
//| Account, permissions, time                                       |
//+------------------------------------------------------------------+
//--- the account that an order must name
string AccountPin()
  {
   return IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN)) + "@" + AccountInfoString(ACCOUNT_SERVER);
  }

bool Connected()
  {
   return TerminalInfoInteger(TERMINAL_CONNECTED) != 0;
  }

string FlagFields()
  {
   return Flag("connected", Connected()) +
          Flag("algo", TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) != 0) +
          Flag("expert", MQLInfoInteger(MQL_TRADE_ALLOWED) != 0) +
          Flag("account_ok", AccountInfoInteger(ACCOUNT_TRADE_ALLOWED) != 0) +
          Flag("expert_ok", AccountInfoInteger(ACCOUNT_TRADE_EXPERT) != 0) +
          Flag("dll", TerminalInfoInteger(TERMINAL_DLLS_ALLOWED) != 0);
  }

//--- whether trading on this account is stopped
bool Stopped()
  {
   return g_flats[FlatAt(AccountPin())].on || g_flats[FlatAt("")].on;
  }

//--- the switch that forbids trading, in words; empty when nothing does
string Forbidden()
  {
   if(!Connected())
      return "the terminal has no connection to the trade server";
   if(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) == 0)
      return "the Algo Trading button of the terminal is off";
   if(MQLInfoInteger(MQL_TRADE_ALLOWED) == 0)
      return "\"Allow Algo Trading\" is not ticked in the properties of this Expert Advisor";
   if(AccountInfoInteger(ACCOUNT_TRADE_ALLOWED) == 0)
      return "the broker does not allow this account to trade (an investor password?)";
   if(AccountInfoInteger(ACCOUNT_TRADE_EXPERT) == 0)
      return "the broker does not allow Expert Advisors on this account";
   return "";
  }

int MoneyDigits()
  {
   return (int)AccountInfoInteger(ACCOUNT_CURRENCY_DIGITS);
  }

string AccountFields()
  {
   int d = MoneyDigits();
   bool percent = AccountInfoInteger(ACCOUNT_MARGIN_SO_MODE) == ACCOUNT_STOPOUT_MODE_PERCENT;
   return Num("balance", AccountInfoDouble(ACCOUNT_BALANCE), d) + Num("equity", AccountInfoDouble(ACCOUNT_EQUITY), d) +
          Num("margin", AccountInfoDouble(ACCOUNT_MARGIN), d) + Num("free", AccountInfoDouble(ACCOUNT_MARGIN_FREE), d) +
          Num("level", AccountInfoDouble(ACCOUNT_MARGIN_LEVEL), 2) + Num("credit", AccountInfoDouble(ACCOUNT_CREDIT), d) +
          Num("profit", AccountInfoDouble(ACCOUNT_PROFIT), d) + Txt("so_mode", percent ? "percent" : "money") +
          Num("so_call", AccountInfoDouble(ACCOUNT_MARGIN_SO_CALL), 2) + Num("so_so", AccountInfoDouble(ACCOUNT_MARGIN_SO_SO), 2);
  }

void SendAccount()
  {
   g_account = AccountFields();
   Line("ACC", g_account);
  }

void SendFlags()
  {
   g_flags = FlagFields() + Int("login", AccountInfoInteger(ACCOUNT_LOGIN));
   Line("FLAGS", g_flags);
  }

//--- broker's time less UTC. Both clocks give whole seconds, so the difference jitters by one: zones are quarters of an hour
long BrokerOffset()
  {
   long diff = (long)TimeTradeServer() - (long)TimeGMT();
   long zone = (long)MathRound((double)diff / 900.0) * 900;
   return MathAbs((double)(diff - zone)) <= 30.0 ? zone : diff;
  }

void SendTime()
  {
   g_offset = BrokerOffset();
   g_time_before_at = g_time_at;
   g_time_before_ms = g_time_ms;
   g_time_at = NowMs();
   g_time_ms = BrokerMs();
   Line("TIME", Int("server_ms", g_time_ms) + Int("gmt_ms", (long)TimeGMT() * 1000) + Int("offset_s", g_offset) +
        Int("tick_ms", (long)TimeCurrent() * 1000));
  }

//+------------------------------------------------------------------+
//| Symbols                                                          |
//+------------------------------------------------------------------+
string Sessions(const string sym, const bool trade)
  {
   string s = "";
   for(int day = 0; day < 7; day++)
      for(uint i = 0; i < 16; i++)
        {
         datetime from = 0;
         datetime to = 0;
         bool there = trade ? SymbolInfoSessionTrade(sym, (ENUM_DAY_OF_WEEK)day, i, from, to)
                      : SymbolInfoSessionQuote(sym, (ENUM_DAY_OF_WEEK)day, i, from, to);
         if(!there)
            break;
         s += (Blank(s) ? "" : ",") + IntegerToString(day) + ":" + IntegerToString((long)from / 60) + ":" +
              IntegerToString((long)to / 60);
        }
   return s;
  }

//--- whether the broker's table has a trading session now; a symbol without any table is taken as open
bool InSession(const string sym)
  {
   long now = QuoteMs() / 1000;
   int today = (int)((now / 86400 + 4) % 7);              // 1 January 1970 was a Thursday
   long second = now % 86400;
   bool any = false;
   for(int day = 0; day < 7; day++)
      for(uint i = 0; i < 16; i++)
        {
         datetime from = 0;
         datetime to = 0;
         if(!SymbolInfoSessionTrade(sym, (ENUM_DAY_OF_WEEK)day, i, from, to))
            break;
         any = true;
         long end = (long)to > (long)from ? (long)to : (long)to + 86400;
         if(day == today && second >= (long)from && second < end)
            return true;
        }
   return !any;
  }

string SymbolFields(const string sym)
  {
   int d = (int)SymbolInfoInteger(sym, SYMBOL_DIGITS);
   double step = SymbolInfoDouble(sym, SYMBOL_VOLUME_STEP);
   int vd = StepDigits(step);
   double margin = 0.0;
   double ask = SymbolInfoDouble(sym, SYMBOL_ASK);
   if(ask <= 0.0 || !OrderCalcMargin(ORDER_TYPE_BUY, sym, 1.0, ask, margin))
      margin = 0.0;
   return Txt("name", sym) + Txt("path", SymbolInfoString(sym, SYMBOL_PATH)) +
          Txt("desc", SymbolInfoString(sym, SYMBOL_DESCRIPTION)) + Int("digits", d) +
          Num("point", SymbolInfoDouble(sym, SYMBOL_POINT), d) + Any("tick_size", SymbolInfoDouble(sym, SYMBOL_TRADE_TICK_SIZE)) +
          Any("tick_value", SymbolInfoDouble(sym, SYMBOL_TRADE_TICK_VALUE)) +
          Any("tick_value_profit", SymbolInfoDouble(sym, SYMBOL_TRADE_TICK_VALUE_PROFIT)) +
          Any("tick_value_loss", SymbolInfoDouble(sym, SYMBOL_TRADE_TICK_VALUE_LOSS)) +
          Any("contract", SymbolInfoDouble(sym, SYMBOL_TRADE_CONTRACT_SIZE)) +
          Num("vmin", SymbolInfoDouble(sym, SYMBOL_VOLUME_MIN), vd) + Num("vmax", SymbolInfoDouble(sym, SYMBOL_VOLUME_MAX), vd) +
          Num("vstep", step, vd) + Num("vlimit", SymbolInfoDouble(sym, SYMBOL_VOLUME_LIMIT), vd) +
          Int("stops", SymbolInfoInteger(sym, SYMBOL_TRADE_STOPS_LEVEL)) +
          Int("freeze", SymbolInfoInteger(sym, SYMBOL_TRADE_FREEZE_LEVEL)) +
          Txt("exe", ExecutionName(SymbolInfoInteger(sym, SYMBOL_TRADE_EXEMODE))) +
          Int("fill", SymbolInfoInteger(sym, SYMBOL_FILLING_MODE)) + Int("orders", SymbolInfoInteger(sym, SYMBOL_ORDER_MODE)) +
          Int("exp", SymbolInfoInteger(sym, SYMBOL_EXPIRATION_MODE)) +
          Txt("gtc", GtcName(SymbolInfoInteger(sym, SYMBOL_ORDER_GTC_MODE))) +
          Txt("mode", TradeModeName(SymbolInfoInteger(sym, SYMBOL_TRADE_MODE))) +
          Txt("calc", CalcName(SymbolInfoInteger(sym, SYMBOL_TRADE_CALC_MODE))) +
          Txt("base", SymbolInfoString(sym, SYMBOL_CURRENCY_BASE)) + Txt("profit", SymbolInfoString(sym, SYMBOL_CURRENCY_PROFIT)) +
          Txt("margin", SymbolInfoString(sym, SYMBOL_CURRENCY_MARGIN)) +
          Any("swap_long", SymbolInfoDouble(sym, SYMBOL_SWAP_LONG)) + Any("swap_short", SymbolInfoDouble(sym, SYMBOL_SWAP_SHORT)) +
          Num("m1lot", margin, MoneyDigits()) + Txt("tsess", Sessions(sym, true)) + Txt("qsess", Sessions(sym, false));
  }

int PriceDigits(const string sym)
  {
   return (int)SymbolInfoInteger(sym, SYMBOL_DIGITS);
  }

int VolumeDigits(const string sym)
  {
   return StepDigits(SymbolInfoDouble(sym, SYMBOL_VOLUME_STEP));
  }

//+------------------------------------------------------------------+
//| Positions, orders, deals                                         |
//+------------------------------------------------------------------+
//--- empty when the position is gone
string PositionFields(const ulong ticket)
  {
   if(!PositionSelectByTicket(ticket))
      return "";
   string sym = PositionGetString(POSITION_SYMBOL);
   int d = PriceDigits(sym);
   return Int("ticket", (long)ticket) + Int("ident", PositionGetInteger(POSITION_IDENTIFIER)) + Txt("sym", sym) +
          Txt("side", PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY ? "buy" : "sell") +
          Num("vol", PositionGetDouble(POSITION_VOLUME), VolumeDigits(sym)) + Num("open", PositionGetDouble(POSITION_PRICE_OPEN), d) +
          Num("sl", PositionGetDouble(POSITION_SL), d) + Num("tp", PositionGetDouble(POSITION_TP), d) +
          Num("price", PositionGetDouble(POSITION_PRICE_CURRENT), d) +
          Num("profit", PositionGetDouble(POSITION_PROFIT), MoneyDigits()) +
          Num("swap", PositionGetDouble(POSITION_SWAP), MoneyDigits()) + Int("magic", PositionGetInteger(POSITION_MAGIC)) +
          Txt("comment", PositionGetString(POSITION_COMMENT)) + Int("ms", PositionGetInteger(POSITION_TIME_MSC)) +
          Txt("reason", ReasonName(PositionGetInteger(POSITION_REASON)));
  }

//--- empty when the order is not working any more
string OrderFields(const ulong ticket)
  {
   if(!OrderSelect(ticket))
      return "";
   string sym = OrderGetString(ORDER_SYMBOL);
   int d = PriceDigits(sym);
   int vd = VolumeDigits(sym);
   return Int("ticket", (long)ticket) + Txt("sym", sym) + Txt("type", OrderTypeName(OrderGetInteger(ORDER_TYPE))) +
          Txt("state", OrderStateName(OrderGetInteger(ORDER_STATE))) + Num("vol0", OrderGetDouble(ORDER_VOLUME_INITIAL), vd) +
          Num("vol", OrderGetDouble(ORDER_VOLUME_CURRENT), vd) + Num("price", OrderGetDouble(ORDER_PRICE_OPEN), d) +
          Num("stoplimit", OrderGetDouble(ORDER_PRICE_STOPLIMIT), d) + Num("sl", OrderGetDouble(ORDER_SL), d) +
          Num("tp", OrderGetDouble(ORDER_TP), d) + Txt("fill", FillName(OrderGetInteger(ORDER_TYPE_FILLING))) +
          Txt("ttype", LifetimeName(OrderGetInteger(ORDER_TYPE_TIME))) + Int("exp", OrderGetInteger(ORDER_TIME_EXPIRATION)) +
          Int("magic", OrderGetInteger(ORDER_MAGIC)) + Txt("comment", OrderGetString(ORDER_COMMENT)) +
          Int("pos", OrderGetInteger(ORDER_POSITION_ID)) + Int("ms", OrderGetInteger(ORDER_TIME_SETUP_MSC));
  }

string OldOrderFields(const ulong t)
  {
   if(!HistoryOrderSelect(t))
      return "";
   string sym = HistoryOrderGetString(t, ORDER_SYMBOL);
   int d = PriceDigits(sym);
   int vd = VolumeDigits(sym);
   return Int("ticket", (long)t) + Txt("sym", sym) + Txt("type", OrderTypeName(HistoryOrderGetInteger(t, ORDER_TYPE))) +
          Txt("state", OrderStateName(HistoryOrderGetInteger(t, ORDER_STATE))) +
          Num("vol0", HistoryOrderGetDouble(t, ORDER_VOLUME_INITIAL), vd) +
          Num("vol", HistoryOrderGetDouble(t, ORDER_VOLUME_CURRENT), vd) + Num("price", HistoryOrderGetDouble(t, ORDER_PRICE_OPEN), d) +
          Num("stoplimit", HistoryOrderGetDouble(t, ORDER_PRICE_STOPLIMIT), d) + Num("sl", HistoryOrderGetDouble(t, ORDER_SL), d) +
          Num("tp", HistoryOrderGetDouble(t, ORDER_TP), d) + Txt("fill", FillName(HistoryOrderGetInteger(t, ORDER_TYPE_FILLING))) +
          Txt("ttype", LifetimeName(HistoryOrderGetInteger(t, ORDER_TYPE_TIME))) +
          Int("exp", HistoryOrderGetInteger(t, ORDER_TIME_EXPIRATION)) + Int("magic", HistoryOrderGetInteger(t, ORDER_MAGIC)) +
          Txt("comment", HistoryOrderGetString(t, ORDER_COMMENT)) + Int("pos", HistoryOrderGetInteger(t, ORDER_POSITION_ID)) +
          Int("ms", HistoryOrderGetInteger(t, ORDER_TIME_SETUP_MSC)) + Flag("hist", true);
  }

string DealFields(const ulong t)
  {
   if(!HistoryDealSelect(t))
      return "";
   string sym = HistoryDealGetString(t, DEAL_SYMBOL);
   int d = Blank(sym) ? 0 : PriceDigits(sym);
   int m = MoneyDigits();
   return Int("ticket", (long)t) + Int("order", HistoryDealGetInteger(t, DEAL_ORDER)) +
          Int("pos", HistoryDealGetInteger(t, DEAL_POSITION_ID)) + Txt("sym", sym) +
          Txt("type", DealTypeName(HistoryDealGetInteger(t, DEAL_TYPE))) + Txt("entry", EntryName(HistoryDealGetInteger(t, DEAL_ENTRY))) +
          Txt("reason", ReasonName(HistoryDealGetInteger(t, DEAL_REASON))) +
          Num("vol", HistoryDealGetDouble(t, DEAL_VOLUME), Blank(sym) ? 0 : VolumeDigits(sym)) +
          Num("price", HistoryDealGetDouble(t, DEAL_PRICE), d) + Num("profit", HistoryDealGetDouble(t, DEAL_PROFIT), m) +
          Num("swap", HistoryDealGetDouble(t, DEAL_SWAP), m) + Num("commission", HistoryDealGetDouble(t, DEAL_COMMISSION), m) +
          Num("fee", HistoryDealGetDouble(t, DEAL_FEE), m) + Num("sl", HistoryDealGetDouble(t, DEAL_SL), d) +
          Num("tp", HistoryDealGetDouble(t, DEAL_TP), d) + Int("magic", HistoryDealGetInteger(t, DEAL_MAGIC)) +
          Txt("comment", HistoryDealGetString(t, DEAL_COMMENT)) + Int("ms", HistoryDealGetInteger(t, DEAL_TIME_MSC));
  }

ulong Scaled(const double value)
  {
   return (ulong)(long)MathRound(value * 100000.0);
  }

//--- a fingerprint of all positions and working orders, without what every tick changes
ulong BookMark()
  {
   ulong h = 0xcbf29ce484222325;
   for(int i = 0; i < PositionsTotal(); i++)
     {
      ulong t = PositionGetTicket(i);
      h = FnvNext(h, t);
      h = FnvNext(h, Scaled(PositionGetDouble(POSITION_VOLUME)));
      h = FnvNext(h, Scaled(PositionGetDouble(POSITION_PRICE_OPEN)));
      h = FnvNext(h, Scaled(PositionGetDouble(POSITION_SL)));
      h = FnvNext(h, Scaled(PositionGetDouble(POSITION_TP)));
     }
   h = FnvNext(h, 1);
   for(int i = 0; i < OrdersTotal(); i++)
     {
      ulong t = OrderGetTicket(i);
      h = FnvNext(h, t);
      h = FnvNext(h, (ulong)OrderGetInteger(ORDER_STATE));
      h = FnvNext(h, Scaled(OrderGetDouble(ORDER_VOLUME_CURRENT)));
      h = FnvNext(h, Scaled(OrderGetDouble(ORDER_PRICE_OPEN)));
      h = FnvNext(h, Scaled(OrderGetDouble(ORDER_SL)));
      h = FnvNext(h, Scaled(OrderGetDouble(ORDER_TP)));
     }
   return h;
  }

//--- rev grows when the book is not what it was at the last look, whether or not an event has told so
void LookAtBook()
  {
   ulong mark = BookMark();
   if(mark == g_mark)
      return;
   g_mark = mark;
   g_rev++;
  }

bool OwnMagic(const long magic)
  {
   return (magic >> 56) == OWN_APP;
  }

//+------------------------------------------------------------------+
//| Searching a client id: positions, orders, history                |
//+------------------------------------------------------------------+
void ClearTrace(Trace &r)
  {
   r.where = "";
   r.ticket = 0;
   r.order = 0;
   r.deal = 0;
   r.vol = 0.0;
   r.price = 0.0;
   r.profit = 0.0;
   r.volcur = 0.0;
   r.state = -1;
   r.pending = false;
   r.digits = 5;
   r.searched = false;
   r.other = false;
   r.deals = 0;
   r.orders = 0;
   r.from_s = 0;
   r.to_s = 0;
  }

//--- what a line says that was ordered: an order line, or a FIND
void OrderedBy(const Message &m, Ordered &want)
  {
   want.sym = Get(m, "sym");
   want.side = 0;
   want.vol = 0.0;
   want.pos = 0;
   ENUM_ORDER_TYPE type = ORDER_TYPE_BUY;
   if(!Blank(Get(m, "type")) && OrderTypeOf(Get(m, "type"), type))
      want.side = IsBuy(type) ? 1 : -1;
   double vol = 0.0;
   if(m.type != "CLOSE" && GetDouble(m, "vol", 0.0, vol))
      want.vol = vol;
   long pos = 0;
   if(GetLong(m, m.type == "CLOSE" ? "ident" : "pos", 0, pos) && pos > 0)
      want.pos = (ulong)pos;
   if(m.type == "CLOSE" && want.pos == 0 && GetLong(m, "ticket", 0, pos) && pos > 0)
      want.pos = (ulong)pos;
   for(int i = 0; i < PositionsTotal() && want.pos != 0 && Blank(want.sym); i++)
      if(PositionGetTicket(i) != 0 && (ulong)PositionGetInteger(POSITION_IDENTIFIER) == want.pos)
         want.sym = PositionGetString(POSITION_SYMBOL);
  }

//--- whether a trace can be of what was ordered. On netting a close may meet another position than the one it named.
bool Fits(const Ordered &want, const string sym, const bool buy, const ulong pos)
  {
   if((!Blank(want.sym) && sym != want.sym) || (want.side != 0 && buy != (want.side > 0)))
      return false;
   return want.pos == 0 || !Hedging() || pos == want.pos;
  }

//--- the broker's own, under the magic of the position
bool ByLevel(const ulong deal)
  {
   long reason = HistoryDealGetInteger(deal, DEAL_REASON);
   return reason == DEAL_REASON_SL || reason == DEAL_REASON_TP || reason == DEAL_REASON_SO;
  }

//--- one pass over everything that could carry the client id, from a day before since_s to a day after now
void Search(const ulong cid, const Ordered &want, const long since_s, Trace &r)
  {
   ClearTrace(r);
   r.from_s = since_s > 86400 ? since_s - 86400 : 0;
   r.to_s = (long)TimeTradeServer() + 86400;
   string sym = "";
   r.searched = HistorySelect((datetime)r.from_s, (datetime)r.to_s);
   ulong pos = 0;
   if(r.searched)
     {
      r.deals = HistoryDealsTotal();
      r.orders = HistoryOrdersTotal();
      double money = 0.0;
      for(int i = 0; i < r.deals; i++)
        {
         ulong t = HistoryDealGetTicket(i);
         if(t == 0 || (ulong)HistoryDealGetInteger(t, DEAL_MAGIC) != cid)
            continue;
         if(!Fits(want, HistoryDealGetString(t, DEAL_SYMBOL), HistoryDealGetInteger(t, DEAL_TYPE) == DEAL_TYPE_BUY,
                  (ulong)HistoryDealGetInteger(t, DEAL_POSITION_ID)))
           {
            r.other = r.other || !ByLevel(t);
            continue;
           }
         ulong order = (ulong)HistoryDealGetInteger(t, DEAL_ORDER);
         if(r.order != 0 && order != r.order)
            continue;                                    // a stop loss closes under the magic of the opening order
         r.order = order;
         r.deal = t;
         pos = (ulong)HistoryDealGetInteger(t, DEAL_POSITION_ID);
         sym = HistoryDealGetString(t, DEAL_SYMBOL);
         double v = HistoryDealGetDouble(t, DEAL_VOLUME);
         r.vol += v;
         money += v * HistoryDealGetDouble(t, DEAL_PRICE);
         r.profit += HistoryDealGetDouble(t, DEAL_PROFIT);
        }
      if(want.vol > 0.0 && r.vol > want.vol + 1e-9)
        {
         ClearTrace(r);                                  // more than was ordered is not what was ordered
         r.searched = true;
         r.other = true;
         r.deals = HistoryDealsTotal();
         r.orders = HistoryOrdersTotal();
         r.from_s = since_s > 86400 ? since_s - 86400 : 0;
         r.to_s = (long)TimeTradeServer() + 86400;
         pos = 0;
        }
      if(r.deal != 0)
        {
         r.where = "deal";
         r.ticket = pos;
         r.price = r.vol > 0.0 ? money / r.vol : 0.0;
        }
      for(int i = 0; i < r.orders; i++)
        {
         ulong t = HistoryOrderGetTicket(i);
         if(t == 0 || (ulong)HistoryOrderGetInteger(t, ORDER_MAGIC) != cid)
            continue;
         if(r.deal != 0 && t != r.order)
            continue;
         if(!Fits(want, HistoryOrderGetString(t, ORDER_SYMBOL), IsBuy((ENUM_ORDER_TYPE)HistoryOrderGetInteger(t, ORDER_TYPE)),
                  (ulong)HistoryOrderGetInteger(t, ORDER_POSITION_ID)) ||
            (want.vol > 0.0 && HistoryOrderGetDouble(t, ORDER_VOLUME_INITIAL) > want.vol + 1e-9))
            continue;
         ENUM_ORDER_TYPE type = (ENUM_ORDER_TYPE)HistoryOrderGetInteger(t, ORDER_TYPE);
         r.pending = type != ORDER_TYPE_BUY && type != ORDER_TYPE_SELL;
         r.state = (int)HistoryOrderGetInteger(t, ORDER_STATE);
         if(r.deal == 0)
           {
            r.where = "hist";
            r.ticket = t;
            r.order = t;
            sym = HistoryOrderGetString(t, ORDER_SYMBOL);
           }
         break;
        }
     }
   for(int i = 0; i < OrdersTotal(); i++)
     {
      ulong t = OrderGetTicket(i);
      if(t == 0 || (ulong)OrderGetInteger(ORDER_MAGIC) != cid)
         continue;
      ENUM_ORDER_TYPE type = (ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE);
      if(!Fits(want, OrderGetString(ORDER_SYMBOL), IsBuy(type), (ulong)OrderGetInteger(ORDER_POSITION_ID)) ||
         (want.vol > 0.0 && OrderGetDouble(ORDER_VOLUME_INITIAL) > want.vol + 1e-9))
        {
         r.other = true;
         continue;
        }
      r.pending = type != ORDER_TYPE_BUY && type != ORDER_TYPE_SELL;
      r.where = "ord";
      r.ticket = t;
      r.order = t;
      r.state = (int)OrderGetInteger(ORDER_STATE);
      r.volcur = OrderGetDouble(ORDER_VOLUME_CURRENT);
      if(r.deal == 0)
         r.price = OrderGetDouble(ORDER_PRICE_OPEN);
      sym = OrderGetString(ORDER_SYMBOL);
     }
   for(int i = 0; i < PositionsTotal() && r.where != "ord"; i++)
     {
      ulong t = PositionGetTicket(i);
      if(t == 0)
         continue;
      bool ours = (ulong)PositionGetInteger(POSITION_MAGIC) == cid;
      //--- a close opens no position where each has its own; where they net, what it turned round has the other side
      bool buys = PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY;
      bool fits = !Blank(want.sym) && PositionGetString(POSITION_SYMBOL) != want.sym ? false : !Hedging() ||
                  (want.pos == 0 && (want.side == 0 || buys == (want.side > 0)) &&
                   (want.vol <= 0.0 || PositionGetDouble(POSITION_VOLUME) <= want.vol + 1e-9));
      if(ours && !fits)
        {
         r.other = true;
         ours = false;
        }
      bool same = pos != 0 && (ulong)PositionGetInteger(POSITION_IDENTIFIER) == pos;
      if(!ours && !same)
         continue;
      r.volcur = PositionGetDouble(POSITION_VOLUME);
      sym = PositionGetString(POSITION_SYMBOL);
      if(!ours)
         continue;                                       // a close, or netting: the position carries another order's magic
      r.where = "pos";
      r.ticket = t;
      if(r.deal == 0)
        {
         r.vol = Hedging() ? r.volcur : 0.0;             // on netting the rest may be somebody else's
         r.price = PositionGetDouble(POSITION_PRICE_OPEN);
         r.order = (ulong)PositionGetInteger(POSITION_IDENTIFIER);
        }
     }
   if(!Blank(sym))
      r.digits = PriceDigits(sym);
  }

//--- whether the trace proves that the order was executed, is working, or ended without a deal. A filled order whose deal the
//--- history does not show yet proves nothing.
bool Proves(const Trace &r)
  {
   if(r.where == "hist")
      return r.state == ORDER_STATE_REJECTED || r.state == ORDER_STATE_CANCELED || r.state == ORDER_STATE_EXPIRED;
   return !Blank(r.where);
  }

void SendFound(const string id, const ulong cid, const string where, const Trace &r, const bool sync)
  {
   string extra = "";
   int i = Remembered(cid);
   if(i >= 0 && (where == "refused" || where == "done" || where == "sent"))
      extra = Int("retcode", g_memory[i].retcode);
   if(r.state >= 0)
      extra += Txt("state", OrderStateName(r.state));
   Line("FOUND", Txt("id", id) + Int("cid", (long)cid) + Txt("where", where) + Int("ticket", (long)r.ticket) +
        Int("order", (long)r.order) + Int("deal", (long)r.deal) + Any("vol", r.vol) + Any("price", r.price) +
        Num("profit", r.profit, MoneyDigits()) + Any("volcur", r.volcur) + Int("from_ms", r.from_s * 1000) +
        Int("to_ms", r.to_s * 1000) + Flag("sync", sync) + Int("rev", g_rev) + extra);
  }

bool LeavesNoTrace(const string kind)
  {
   return kind == "SLTP" || kind == "MODIFY" || kind == "CANCEL";
  }

//--- true when it could be answered. That nothing shows it needs two looks some time apart, the trade server connected all the while
//--- and the history unchanged between them.
bool AnswerFind(const string id, const ulong cid, const Ordered &want, const long since_s, Look &look)
  {
   LookAtBook();
   Trace r;
   Search(cid, want, since_s, r);
   int i = Remembered(cid);
   if(Proves(r))
     {
      if(r.where == "pos" && r.deal == 0 && !Hedging() && i >= 0 && g_memory[i].ok)
        {
         r.deal = g_memory[i].deal;                      // its deal is not in the history yet
         r.vol = g_memory[i].vol;
         r.price = g_memory[i].price;
        }
      SendFound(id, cid, r.where, r, Connected());
      return true;
     }
   if(i >= 0 && g_memory[i].ok && LeavesNoTrace(g_memory[i].kind))
     {
      SendFound(id, cid, "done", r, Connected());
      return true;
     }
   if(!Blank(r.where) || (i >= 0 && g_memory[i].ok))     // filled or placed, and the terminal does not show all of it yet
     {
      if(i >= 0 && r.order == 0)
        {
         r.order = g_memory[i].order;
         r.deal = g_memory[i].deal;
        }
      SendFound(id, cid, "sent", r, false);
      return true;
     }
   if(i >= 0 && g_memory[i].stage != "sent")
     {
      SendFound(id, cid, "refused", r, Connected());
      return true;
     }
   bool steady = r.searched && g_connected && Connected() && NowMs() - g_connected_at >= 2000;
   if(look.due == 0)                                     // the first look: keep it for comparison
     {
      look.id = id;
      look.cid = cid;
      look.want = want;
      look.since_s = since_s;
      look.due = NowMs() + LOOK_APART_MS;
      look.deals = r.deals;
      look.orders = r.orders;
      look.epoch = g_epoch;
      look.steady = steady;
      return false;
     }
   bool sync = steady && look.steady && look.epoch == g_epoch && look.deals == r.deals && look.orders == r.orders;
   SendFound(id, cid, i >= 0 ? "sent" : "none", r, sync);
   return true;
  }

//+------------------------------------------------------------------+
//| Answering requests for data, piece by piece                      |
//+------------------------------------------------------------------+
void EndJob(const long n, const string more)
  {
   Line("END", Txt("id", g_job_id) + Int("n", n) + more);
   g_job = "";
   ArrayResize(g_rows, 0);
   ArrayResize(g_tickets, 0);
   ArrayResize(g_rates, 0);
  }

string BarFields(const MqlRates &r, const int d)
  {
   return Int("time", (long)r.time) + Num("o", r.open, d) + Num("h", r.high, d) + Num("l", r.low, d) + Num("c", r.close, d) +
          Int("tv", (long)r.tick_volume) + Int("sp", (long)r.spread) + Int("rv", (long)r.real_volume);
  }

void Unsubscribe(const string sym)
  {
   int keep = 0;
   for(int i = 0; i < ArraySize(g_subs); i++)
      if(g_subs[i].sym != sym)
        {
         if(keep != i)
            g_subs[keep] = g_subs[i];
         keep++;
        }
   ArrayResize(g_subs, keep, 64);
   keep = 0;
   for(int i = 0; i < ArraySize(g_series); i++)
      if(g_series[i].sym != sym)
        {
         if(keep != i)
            g_series[keep] = g_series[i];
         keep++;
        }
   ArrayResize(g_series, keep, 64);
  }

void Subscribe(const string id, const Message &m)
  {
   string sym = Get(m, "sym");
   string names[];
   string list = Get(m, "bars");
   int n = Blank(list) ? 0 : StringSplit(list, ',', names);
   ENUM_TIMEFRAMES tf = PERIOD_M1;
   for(int i = 0; i < n; i++)
      if(!TimeframeOf(names[i], tf))
        {
         Fault(id, CODE_BAD_ARGUMENTS, "unknown period " + names[i]);
         return;
        }
   if(Blank(sym) || !SymbolSelect(sym, true))
     {
      Fault(id, CODE_NO_SYMBOL, "the broker has no symbol " + sym);
      return;
     }
   Unsubscribe(sym);
   if(ArraySize(g_subs) >= MAX_SUBS || ArraySize(g_series) + n > MAX_SERIES)
     {
      Fault(id, CODE_BUSY, "too many subscriptions");
      return;
     }
   int at = ArraySize(g_subs);
   ArrayResize(g_subs, at + 1, 64);
   g_subs[at].sym = sym;
   g_subs[at].ticks = Get(m, "ticks") == "1";
   g_subs[at].ms = 0;
   g_subs[at].bid = 0.0;
   g_subs[at].ask = 0.0;
   g_subs[at].last = 0.0;
   for(int i = 0; i < n; i++)
     {
      TimeframeOf(names[i], tf);
      int k = ArraySize(g_series);
      ArrayResize(g_series, k + 1, 64);
      g_series[k].sym = sym;
      g_series[k].name = names[i];
      g_series[k].tf = tf;
      g_series[k].forming = (datetime)SeriesInfoInteger(sym, tf, SERIES_LASTBAR_DATE);
     }
   Line("END", Txt("id", id) + Int("n", 0));
  }

//--- takes what the terminal has now. Bars that are still being loaded are not waited for: the answer says synced=0.
void StartRates(const Message &m)
  {
   ENUM_TIMEFRAMES tf = PERIOD_M1;
   long from = 0;
   long count = 0;
   g_job_sym = Get(m, "sym");
   if(!TimeframeOf(Get(m, "tf"), tf) || !GetLong(m, "from", 0, from) || !GetLong(m, "count", 0, count) || count < 1 || count > 500 || from < 0 || from > MS_MOST / 1000)
     {
      Fault(g_job_id, CODE_BAD_ARGUMENTS, "RATES needs a period, from >= 0 and a count of 1 to 500");
      return;
     }
   if(Blank(g_job_sym) || !SymbolSelect(g_job_sym, true))
     {
      Fault(g_job_id, CODE_NO_SYMBOL, "the broker has no symbol " + g_job_sym);
      return;
     }
   bool synced = SeriesInfoInteger(g_job_sym, tf, SERIES_SYNCHRONIZED) != 0;
   datetime forming = (datetime)SeriesInfoInteger(g_job_sym, tf, SERIES_LASTBAR_DATE);
   ArrayResize(g_rates, 0);
   int got = 0;
   bool by_time = from >= 100000000;                     // a time; smaller ones are a shift in closed bars
   if(by_time)
      got = CopyRates(g_job_sym, tf, (datetime)(from - 1), (int)count, g_rates);
   else
      got = CopyRates(g_job_sym, tf, (int)from + 1, (int)count, g_rates);
   if(got < 0)
      got = 0;
   ArrayResize(g_rates, got);
   if(got > 0 && forming > 0 && g_rates[got - 1].time >= forming)       // asked with a time ahead of us: never the forming bar
     {
      got--;
      ArrayResize(g_rates, got);
     }
   long held = SeriesInfoInteger(g_job_sym, tf, SERIES_BARS_COUNT);
   datetime first = (datetime)SeriesInfoInteger(g_job_sym, tf, SERIES_FIRSTDATE);
   g_job_synced = synced && held > 0;
   g_job_more = by_time ? (got > 0 && g_rates[0].time > first) : (held - 1 > from + count);
   g_job = "RATES";
   g_job_at = 0;
  }

bool RatesTurn()
  {
   int n = ArraySize(g_rates);
   int d = PriceDigits(g_job_sym);
   for(int i = 0; i < ROWS_PER_TURN && g_job_at < n; i++)
     {
      Line("RATE", Txt("id", g_job_id) + BarFields(g_rates[g_job_at], d));
      g_job_at++;
     }
   if(g_job_at >= n)
      EndJob(n, Flag("synced", g_job_synced) + Flag("more", g_job_more));
   return true;
  }

//--- begins the collecting of a snapshot, again when the book changed meanwhile
void StartSnapshot()
  {
   LookAtBook();
   g_job_rev = g_rev;
   g_job = "SNAP";
   g_job_at = 0;
   g_job_tries++;
   ArrayResize(g_rows, 0);
   ArrayResize(g_tickets, 0);
   g_job_positions = PositionsTotal();
   g_job_orders = OrdersTotal();
   ArrayResize(g_tickets, g_job_positions + g_job_orders);
   for(int i = 0; i < g_job_positions; i++)
      g_tickets[i] = PositionGetTicket(i);
   for(int i = 0; i < g_job_orders; i++)
      g_tickets[g_job_positions + i] = OrderGetTicket(i);
   ArrayResize(g_rows, g_job_positions + g_job_orders);
  }

//--- collects all rows before the first one is sent, so that the program never sees a torn book: while collecting, orders get
//--- their turn, and whatever changes the book (rev) makes it begin again
bool SnapshotCollects()
  {
   int n = ArraySize(g_tickets);
   int turn = g_job_tries > 5 ? n : ROWS_PER_TURN;       // a book that never rests is taken in one piece
   for(int i = 0; i < turn && g_job_at < n; i++)
     {
      g_rows[g_job_at] = g_job_at < g_job_positions ? PositionFields(g_tickets[g_job_at]) : OrderFields(g_tickets[g_job_at]);
      g_job_at++;
     }
   if(g_job_at < n)
      return true;
   bool torn = false;
   for(int i = 0; i < n; i++)
      torn = torn || Blank(g_rows[i]);
   LookAtBook();
   if(!torn && g_rev == g_job_rev)
     {
      Line("ACC", Txt("id", g_job_id) + AccountFields());
      if(!Up())
         return true;
      g_job = "ROWS";
      g_job_at = 0;
      return true;
     }
   if(g_job_tries < 20)
     {
      StartSnapshot();
      return true;
     }
   g_job = "";
   Fault(g_job_id, CODE_BUSY, "positions and orders change faster than they can be read; ask again");
   return true;
  }

bool SnapshotSends()
  {
   int n = ArraySize(g_rows);
   for(int i = 0; i < ROWS_PER_TURN && g_job_at < n && Up(); i++)
     {
      Line(g_job_at < g_job_positions ? "POS" : "ORD", Txt("id", g_job_id) + g_rows[g_job_at]);
      g_job_at++;
     }
   if(g_job_at >= n && Up())
      EndJob(n, Int("npos", g_job_positions) + Int("nord", g_job_orders) + Int("rev", g_job_rev));
   return true;
  }

void StartHistory(const Message &m)
  {
   long from = 0;
   long to = 0;
   string what = Get(m, "what");
   if(!GetMs(m, "from_ms", from) || !GetMs(m, "to_ms", to) || (what != "deals" && what != "orders"))
     {
      Fault(g_job_id, CODE_BAD_ARGUMENTS, "HIST needs from_ms, to_ms and what=deals or orders");
      return;
     }
   if(!HistorySelect((datetime)(from / 1000), (datetime)((to + 999) / 1000)))
     {
      Fault(g_job_id, CODE_NOT_SYNCED, "the terminal cannot read its history now");
      return;
     }
   g_job_hist_orders = what == "orders";
   int n = g_job_hist_orders ? HistoryOrdersTotal() : HistoryDealsTotal();
   ArrayResize(g_tickets, n);
   for(int i = 0; i < n; i++)                            // tickets first: other requests select other history in between
      g_tickets[i] = g_job_hist_orders ? HistoryOrderGetTicket(i) : HistoryDealGetTicket(i);
   g_job = "HIST";
   g_job_at = 0;
   g_job_positions = 0;
  }

bool HistoryTurn()
  {
   int n = ArraySize(g_tickets);
   for(int i = 0; i < ROWS_PER_TURN && g_job_at < n; i++)
     {
      string row = g_job_hist_orders ? OldOrderFields(g_tickets[g_job_at]) : DealFields(g_tickets[g_job_at]);
      if(!Blank(row))
        {
         Line(g_job_hist_orders ? "ORD" : "DEAL", Txt("id", g_job_id) + row);
         g_job_positions++;
        }
      g_job_at++;
     }
   if(g_job_at >= n)
      EndJob(g_job_positions, "");
   return true;
  }

bool SymbolsTurn()
  {
   int n = SymbolsTotal(false);
   for(int i = 0; i < 5 && g_job_at < n; i++)
     {
      Line("SYM", Txt("id", g_job_id) + SymbolFields(SymbolName(g_job_at, false)));
      g_job_at++;
     }
   if(g_job_at >= n)
      EndJob(g_job_at, "");
   return true;
  }

void StartAsk(const string text)
  {
   Message m;
   string why = "";
   if(!Parse(text, m, why))
     {
      Fault("", CODE_BAD_ARGUMENTS, why);
      return;
     }
   string id = Get(m, "id");
   string sym = Get(m, "sym");
   g_job_id = id;
   g_job_tries = 0;
   if(m.type == "SYMS")
     {
      g_job = "SYMS";
      g_job_at = 0;
     }
   if(m.type == "SYM")
     {
      if(Blank(sym) || !SymbolSelect(sym, true))
         Fault(id, CODE_NO_SYMBOL, "the broker has no symbol " + sym);
      else
         Line("SYM", Txt("id", id) + SymbolFields(sym));
     }
   if(m.type == "SUB")
      Subscribe(id, m);
   if(m.type == "UNSUB")
     {
      Unsubscribe(sym);
      Line("END", Txt("id", id) + Int("n", 0));
     }
   if(m.type == "RATES")
      StartRates(m);
   if(m.type == "SNAP")
      StartSnapshot();
   if(m.type == "HIST")
      StartHistory(m);
   if(m.type == "FIND")
     {
      long cid = 0;
      long since = 0;
      if(!GetLong(m, "cid", 0, cid) || cid <= 0 || !GetMs(m, "since_ms", since))
        {
         Fault(id, CODE_BAD_ARGUMENTS, "FIND needs a cid and since_ms");
         return;
        }
      Look look;
      look.due = ArraySize(g_looks) < MAX_LOOKS ? 0 : 1;   // no room to wait: answered now, without sync
      look.steady = false;
      look.deals = 0;
      look.orders = 0;
      look.epoch = g_epoch;
      Ordered want;
      OrderedBy(m, want);
      if(!AnswerFind(id, (ulong)cid, want, since / 1000, look))
        {
         int n = ArraySize(g_looks);
         ArrayResize(g_looks, n + 1, MAX_LOOKS);
         g_looks[n] = look;
        }
     }
  }

//--- one small piece of work that is not an order; false when there is none
bool OnePiece()
  {
   if(g_job == "SYMS")
      return SymbolsTurn();
   if(g_job == "RATES")
      return RatesTurn();
   if(g_job == "SNAP")
      return SnapshotCollects();
   if(g_job == "ROWS")
      return SnapshotSends();
   if(g_job == "HIST")
      return HistoryTurn();
   ulong now = NowMs();
   int n = ArraySize(g_looks);
   for(int i = 0; i < n; i++)
      if(g_looks[i].due <= now)
        {
         Look look = g_looks[i];
         for(int k = i; k + 1 < n; k++)
            g_looks[k] = g_looks[k + 1];
         ArrayResize(g_looks, n - 1);
         AnswerFind(look.id, look.cid, look.want, look.since_s, look);
         return true;
        }
   n = ArraySize(g_asks);
   if(n == 0)
      return false;
   string text = g_asks[0].text;
   for(int i = 0; i + 1 < n; i++)
      g_asks[i] = g_asks[i + 1];
   ArrayResize(g_asks, n - 1, 64);
   StartAsk(text);
   return true;
  }

//--- ticks of subscribed symbols (the newest of each) and bars that have closed; a bar can only close with a tick
void Streams()
  {
   for(int i = 0; i < ArraySize(g_subs); i++)
     {
      MqlTick t;
      string sym = g_subs[i].sym;
      if(!SymbolInfoTick(sym, t))
         continue;
      bool fresh = t.time_msc != g_subs[i].ms || MathAbs(t.bid - g_subs[i].bid) > 0.0 || MathAbs(t.ask - g_subs[i].ask) > 0.0 ||
                   MathAbs(t.last - g_subs[i].last) > 0.0;
      if(!fresh)
         continue;
      g_subs[i].ms = t.time_msc;
      g_subs[i].bid = t.bid;
      g_subs[i].ask = t.ask;
      g_subs[i].last = t.last;
      int d = PriceDigits(sym);
      if(g_subs[i].ticks)
         Line("TICK", Txt("sym", sym) + Num("bid", t.bid, d) + Num("ask", t.ask, d) + Num("last", t.last, d) +
              Int("vol", (long)t.volume) + Int("ms", t.time_msc) + Int("flags", (long)t.flags));
      if(!Up())                                          // a long line was written, the link broke: nothing is subscribed any more
         return;
      for(int k = 0; k < ArraySize(g_series); k++)
        {
         if(g_series[k].sym != sym)
            continue;
         datetime forming = (datetime)SeriesInfoInteger(sym, g_series[k].tf, SERIES_LASTBAR_DATE);
         if((long)forming <= (long)g_series[k].forming)
            continue;
         MqlRates r[];
         int n = (long)g_series[k].forming == 0 ? 0 : CopyRates(sym, g_series[k].tf, 0, 16, r);
         for(int b = 0; b < n; b++)
            if((long)r[b].time >= (long)g_series[k].forming && (long)r[b].time < (long)forming)
              {
               Line("BAR", Txt("sym", sym) + Txt("tf", g_series[k].name) + BarFields(r[b], d));
               if(!Up())
                  return;
              }
         if(n >= 0)
            g_series[k].forming = forming;               // history not ready: tried again with the next tick
        }
     }
  }

//+------------------------------------------------------------------+
//| 7. Orders: each at most once                                     |
//+------------------------------------------------------------------+
//--- an answer that proves nothing about the market is not definite, whatever it is called
bool IsDefinite(const long rc, const string kind, const bool pending)
  {
   if(rc == TRADE_RETCODE_PLACED)
      return pending;                                    // for a deal: accepted, its outcome follows
   if(rc == TRADE_RETCODE_ORDER_CHANGED)
      return kind != "MODIFY" && kind != "CANCEL";
   if(rc == TRADE_RETCODE_ERROR || rc == TRADE_RETCODE_TIMEOUT || rc == TRADE_RETCODE_LOCKED ||
      rc == TRADE_RETCODE_CONNECTION || rc == TRADE_RETCODE_CLOSE_ORDER_EXIST)
      return false;
   return rc >= TRADE_RETCODE_REQUOTE && rc <= TRADE_RETCODE_HEDGE_PROHIBITED && rc != 10005 && rc != 10037;
  }

bool IsDone(const long rc, const bool pending)
  {
   return rc == TRADE_RETCODE_DONE || rc == TRADE_RETCODE_DONE_PARTIAL || (rc == TRADE_RETCODE_PLACED && pending);
  }

//--- the client id for the trader's eyes: FX: and 13 characters of base 32 (Crockford's alphabet)
string CidComment(const ulong cid, const string tag)
  {
   string alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
   string s = "";
   ulong x = cid;
   for(int i = 0; i < 13; i++)
     {
      s = StringSubstr(alphabet, (int)(x & 31), 1) + s;
      x = x >> 5;
     }
   s = "FX:" + s + (Blank(tag) ? "" : " " + tag);
   return StringSubstr(s, 0, 31);
  }

//--- parameters frozen with a client id: all fields but the three that belong to one sending, in any order
ulong HashOf(const Message &m)
  {
   ulong h = Fnv(m.type);
   for(int i = 0; i < m.n; i++)
      if(m.key[i] != "id" && m.key[i] != "ttl_ms" && m.key[i] != "made_ms")
         h += Fnv(m.key[i] + "=" + m.val[i]);
   return h;
  }

void Answer(const string id, const Outcome &o, const bool dup)
  {
   Line("RES", Txt("id", id) + Int("cid", (long)o.cid) + Flag("ok", o.ok) + Int("retcode", o.retcode) + Int("ext", o.ext) +
        Int("order", (long)o.order) + Int("deal", (long)o.deal) + Int("pos", (long)o.pos) + Any("vol", o.vol) +
        Num("price", o.price, o.digits) + Num("bid", o.bid, o.digits) + Num("ask", o.ask, o.digits) +
        Num("profit", o.profit, MoneyDigits()) + Txt("comment", o.comment) + Int("reqid", o.reqid) + Int("err", o.err) +
        Flag("dup", dup) + Txt("stage", o.stage) + (o.unwritten ? Flag("unwritten", true) : "") + o.money);
   Flush();
  }

//--- nothing was or will be sent; always false
bool Refuse(Outcome &o, const long code, const string why)
  {
   o.stage = "refused";
   o.ok = false;
   o.retcode = code;
   o.comment = why;
   o.keep = code != CODE_NO_JOURNAL && code != CODE_BUSY && code != CODE_NOT_SYNCED && code != CODE_OTHER_ORDER;
   return false;
  }

void Deny(const string id, Outcome &o, const long code, const string why)
  {
   Refuse(o, code, why);
   Answer(id, o, false);
  }

//--- what OrderSend's answer leaves open: the position and the profit, from the deal itself when it is there already
void FillIn(const string sym, Outcome &o)
  {
   if(o.deal != 0 && HistoryDealSelect(o.deal))
     {
      o.pos = (ulong)HistoryDealGetInteger(o.deal, DEAL_POSITION_ID);
      o.profit = HistoryDealGetDouble(o.deal, DEAL_PROFIT);
      if(o.price <= 0.0)
         o.price = HistoryDealGetDouble(o.deal, DEAL_PRICE);
     }
   if(o.pos != 0 || o.deal == 0 || o.kind != "ORDER")
      return;
   if(Hedging())
      o.pos = o.order;                                   // a position is numbered by the order that opened it
   else
      if(PositionSelect(sym))
         o.pos = (ulong)PositionGetInteger(POSITION_IDENTIFIER);
  }

//--- the only place where a trade request leaves: journal first, then BUSY, then OrderSend, then the journal again.
//--- must_journal is false only for what takes risk away in an emergency: a full disk may not keep a position open.
void SendTrade(const string id, MqlTradeRequest &req, Outcome &o, const bool must_journal)
  {
   ulong ticket = req.position != 0 ? req.position : req.order;
   if(!JournalSent(o, ticket, must_journal) && must_journal)
     {
      Refuse(o, CODE_NO_JOURNAL, "the journal of the Expert Advisor cannot be written; nothing was sent");
      return;
     }
   Line("BUSY", Txt("id", id) + Int("cid", (long)o.cid));
   Flush();
   if(!Blank(o.acct) && o.acct != AccountPin())          // checking and writing took a while
     {
      Refuse(o, CODE_OTHER_ACCOUNT, "the terminal went to " + AccountPin() + " before it was sent; nothing was sent");
      JournalResult(o);
      return;
     }
   MqlTradeResult res = {};
   string acct = AccountPin();                           // the terminal may be on another one when the answer is there
   ResetLastError();
   bool sent = OrderSend(req, res);
   o.err = sent ? 0 : GetLastError();
   ulong now = NowMs();
   g_heard = now;                                        // nobody could be heard while OrderSend was at work
   g_polled = now;
   o.retcode = (long)res.retcode;
   o.ext = (long)res.retcode_external;
   o.order = res.order;
   o.deal = res.deal;
   o.vol = res.volume;
   o.price = res.price;
   o.bid = res.bid;
   o.ask = res.ask;
   o.reqid = (long)res.request_id;
   o.comment = res.comment;
   bool pending = req.action == TRADE_ACTION_PENDING;
   o.acct = acct;
   o.sym = req.symbol;
   o.side = req.action != TRADE_ACTION_DEAL ? 0 : (req.type == ORDER_TYPE_BUY ? 1 : -1);
   o.ok = IsDone(o.retcode, pending);
   if(!sent && o.retcode == 0 && o.err == ERR_TRADE_DISABLED)
      Refuse(o, CODE_NOT_PERMITTED, "trading by Expert Advisors is prohibited");
   else
      o.stage = IsDefinite(o.retcode, o.kind, pending) ? "done" : "sent";
   if(AccountPin() == acct)                              // what another account holds says nothing of this request
      FillIn(req.symbol, o);
   JournalResult(o);
  }

//--- a market order that is still working: the rest of a RETURN fill, or one that the exchange has not filled yet
bool IsWorkingDeal(const ulong ticket)
  {
   if(ticket == 0 || !OrderSelect(ticket))
      return false;
   ENUM_ORDER_TYPE type = (ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE);
   return type == ORDER_TYPE_BUY || type == ORDER_TYPE_SELL;
  }

bool CancelWorking(const string id, const ulong ticket)
  {
   Outcome o;
   ClearOutcome(o);
   o.kind = "REST";
   MqlTradeRequest req = {};
   req.action = TRADE_ACTION_REMOVE;
   req.order = ticket;
   SendTrade(id, req, o, false);
   return o.ok;
  }

//--- the rest of a partial fill would come later, when nobody expects it: open more, or turn a netted position round. It is
//--- cancelled at once, and what was filled until then counts.
void CancelRest(const string id, Outcome &o)
  {
   if(!IsWorkingDeal(o.order))
      return;
   if(!CancelWorking(id, o.order) && IsWorkingDeal(o.order))
      Tell("error", "rest", "The rest of order " + IntegerToString((long)o.order) + " is still working and could not be cancelled.");
   if(o.pos == 0 || !HistorySelectByPosition((long)o.pos))
      return;
   double filled = 0.0;
   for(int i = 0; i < HistoryDealsTotal(); i++)
     {
      ulong deal = HistoryDealGetTicket(i);
      if(deal != 0 && (ulong)HistoryDealGetInteger(deal, DEAL_ORDER) == o.order)
         filled += HistoryDealGetDouble(deal, DEAL_VOLUME);
     }
   if(filled > o.vol)
      o.vol = filled;
  }

//--- a trade request, and for one at the market nothing of it may be left at work
void SendWhole(const string id, MqlTradeRequest &req, Outcome &o, const bool must_journal)
  {
   SendTrade(id, req, o, must_journal);
   if(req.action != TRADE_ACTION_DEAL || o.retcode != TRADE_RETCODE_DONE_PARTIAL)
      return;
   CancelRest(id, o);
   JournalResult(o);                                     // the volume may have grown meanwhile
  }

//--- what a crash of the terminal or of this Expert Advisor left at work; looked at once a second
void CancelLeftovers()
  {
   if(NowMs() < g_leftover_at || !Blank(Forbidden()))
      return;
   for(int i = OrdersTotal() - 1; i >= 0; i--)
     {
      ulong ticket = OrderGetTicket(i);
      if(!IsWorkingDeal(ticket) || !OwnMagic(OrderGetInteger(ORDER_MAGIC)))
         continue;
      bool rest = OrderGetInteger(ORDER_STATE) == ORDER_STATE_PARTIAL;
      if(!rest && BrokerMs() - OrderGetInteger(ORDER_TIME_SETUP_MSC) <= LEFTOVER_MS)
         continue;
      if(CancelWorking("", ticket))
         Tell("warn", "rest", "Order " + IntegerToString((long)ticket) + " was still working at the market; it was cancelled.");
      else
         g_leftover_at = NowMs() + LEFTOVER_MS;
     }
  }

//--- FOK or IOC as the broker's mask has it; RETURN where the execution mode knows it (MQL5 reference, fill policy)
ENUM_ORDER_TYPE_FILLING AutoFilling(const string sym)
  {
   long mask = SymbolInfoInteger(sym, SYMBOL_FILLING_MODE);
   if((mask & SYMBOL_FILLING_FOK) != 0)
      return ORDER_FILLING_FOK;
   if((mask & SYMBOL_FILLING_IOC) != 0)
      return ORDER_FILLING_IOC;
   if(SymbolInfoInteger(sym, SYMBOL_TRADE_EXEMODE) == SYMBOL_TRADE_EXECUTION_MARKET)
      return ORDER_FILLING_FOK;
   return ORDER_FILLING_RETURN;
  }

//--- the program's word is obeyed; auto is decided here
bool FillingOf(const string word, const string sym, const bool pending, ENUM_ORDER_TYPE_FILLING &f)
  {
   f = pending ? ORDER_FILLING_RETURN : AutoFilling(sym);
   if(word == "fok")
      f = ORDER_FILLING_FOK;
   if(word == "ioc")
      f = ORDER_FILLING_IOC;
   if(word == "return")
      f = ORDER_FILLING_RETURN;
   if(word == "boc")
      f = ORDER_FILLING_BOC;
   return Blank(word) || word == "auto" || word == "fok" || word == "ioc" || word == "return" || word == "boc";
  }

bool LifetimeOf(const string word, ENUM_ORDER_TYPE_TIME &t)
  {
   t = ORDER_TIME_GTC;
   if(word == "day")
      t = ORDER_TIME_DAY;
   if(word == "specified")
      t = ORDER_TIME_SPECIFIED;
   if(word == "specified_day")
      t = ORDER_TIME_SPECIFIED_DAY;
   return Blank(word) || word == "gtc" || word == "day" || word == "specified" || word == "specified_day";
  }

//--- a price to close at or to open with; false when the symbol has none
bool PriceNow(const string sym, const bool buy, MqlTick &tick, double &price)
  {
   if(!SymbolInfoTick(sym, tick) || tick.bid <= 0.0 || tick.ask <= 0.0)
      return false;
   price = buy ? tick.ask : tick.bid;
   return true;
  }

//--- a stop loss on the losing side of where the order will open, and a take profit on the other; an order without a stop loss
//--- only when the program has said so
bool StopsMakeSense(const Message &m, const ENUM_ORDER_TYPE type, const double at, const double sl, const double tp, string &why)
  {
   if(sl <= 0.0 && Get(m, "nostop") != "1")
     {
      why = "no stop loss, and the order does not say nostop=1";
      return false;
     }
   bool buy = IsBuy(type);
   if(sl > 0.0 && (buy ? sl >= at : sl <= at))
     {
      why = "the stop loss is on the wrong side of the price";
      return false;
     }
   if(tp > 0.0 && (buy ? tp <= at : tp >= at))
     {
      why = "the take profit is on the wrong side of the price";
      return false;
     }
   return true;
  }

//--- steps 5 and the request of an ORDER; false = refused, and o says why
bool BuildOrder(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   string action = Get(m, "action");
   string sym = Get(m, "sym");
   bool pending = action == "pending";
   ENUM_ORDER_TYPE type = ORDER_TYPE_BUY;
   ENUM_ORDER_TYPE_FILLING fill = ORDER_FILLING_FOK;
   ENUM_ORDER_TYPE_TIME life = ORDER_TIME_GTC;
   double vol = 0.0;
   double price = 0.0;
   double stoplimit = 0.0;
   double sl = 0.0;
   double tp = 0.0;
   double spread = 0.0;
   long dev = 0;
   long expires = 0;
   bool good = (pending || action == "deal") && OrderTypeOf(Get(m, "type"), type) && GetDouble(m, "vol", 0.0, vol) && vol > 0.0 &&
               GetDouble(m, "price", 0.0, price) && GetDouble(m, "stoplimit", 0.0, stoplimit) && GetDouble(m, "sl", 0.0, sl) &&
               GetDouble(m, "tp", 0.0, tp) && GetDouble(m, "max_spread", -1.0, spread) && GetLong(m, "dev", -1, dev) &&
               GetLong(m, "exp", 0, expires) && LifetimeOf(Get(m, "ttype"), life);
   bool market = type == ORDER_TYPE_BUY || type == ORDER_TYPE_SELL;
   good = good && price >= 0.0 && stoplimit >= 0.0 && sl >= 0.0 && tp >= 0.0 && expires >= 0;
   if(!good || market == pending || (pending && price <= 0.0))
      return Refuse(o, CODE_BAD_ARGUMENTS, "the order's fields do not make an order");
   if(Blank(sym) || !SymbolSelect(sym, true))
      return Refuse(o, CODE_NO_SYMBOL, "the broker has no symbol " + sym);
   if(!FillingOf(Get(m, "fill"), sym, pending, fill))
      return Refuse(o, CODE_BAD_ARGUMENTS, "unknown fill");
   o.digits = PriceDigits(sym);
   if(Stopped())
      return Refuse(o, CODE_FLAT, "trading is stopped");
   if(!pending && !InSession(sym))
      return Refuse(o, TRADE_RETCODE_MARKET_CLOSED, "the market of " + sym + " is closed");
   MqlTick tick;
   double now = 0.0;
   bool buy = IsBuy(type);
   bool priced = PriceNow(sym, buy, tick, now);
   if(!priced || (!pending && QuoteMs() - tick.time_msc > (long)InpTickAge * 1000))
      return Refuse(o, TRADE_RETCODE_PRICE_OFF, "there is no fresh price of " + sym);
   o.bid = tick.bid;
   o.ask = tick.ask;
   double point = SymbolInfoDouble(sym, SYMBOL_POINT);
   if(spread >= 0.0 && tick.ask - tick.bid > (spread + 0.001) * point)
      return Refuse(o, CODE_SPREAD, "the spread is above the order's limit");
   string why = "";
   double opens = pending ? (stoplimit > 0.0 ? stoplimit : price) : (buy ? tick.bid : tick.ask);
   if(!StopsMakeSense(m, type, opens, sl, tp, why))
      return Refuse(o, CODE_BAD_ARGUMENTS, why);
   req.action = pending ? TRADE_ACTION_PENDING : TRADE_ACTION_DEAL;
   req.magic = o.cid;
   req.symbol = sym;
   req.volume = vol;
   req.price = pending ? price : now;
   req.stoplimit = stoplimit;
   req.sl = sl;
   req.tp = tp;
   req.type = type;
   req.type_filling = fill;
   req.type_time = life;
   req.expiration = (datetime)expires;
   req.comment = CidComment(o.cid, Get(m, "tag"));
   req.deviation = DEVIATION;
   if(!pending && dev >= 0)
     {
      double moved = 0.0;                                // points against us since the program decided
      if(price > 0.0)
         moved = MathMax(0.0, (buy ? now - price : price - now) / point);
      if(moved > (double)dev + 0.001)
         return Refuse(o, TRADE_RETCODE_PRICE_CHANGED, "the price moved further than the order allows");
      req.deviation = (ulong)MathRound((double)dev - moved);
     }
   return true;
  }

//--- what a deal of one side does to a net position: `all` of it, and what of it is ours
void Net(const double vol, const bool own, double &all, double &ours)
  {
   all = MathRound((all + vol) * 1e8) / 1e8;
   if(own)
      ours = MathRound((ours + vol) * 1e8) / 1e8;
   if(all * ours <= 0.0)
      ours = 0.0;
   if(MathAbs(ours) > MathAbs(all))
      ours = all;
  }

//--- what of the selected position is ours: 0 when nothing is any more, -1 when nothing ever was, OWN_UNKNOWN when the history has not
//--- come. On a hedging account a position has one owner. On netting it is the sum of what everybody did, and only its deals tell: what
//--- others did on our side is not ours, and what they took away, down to turning the position round, is not ours any more. Fills of
//--- ours that were answered and are not in the history yet count as deals; what nobody knows is not ours to close. `sure`: all of the
//--- position is explained.
double OwnVolume(bool &sure)
  {
   double held = PositionGetDouble(POSITION_VOLUME);
   sure = true;
   if(Hedging())
      return OwnMagic(PositionGetInteger(POSITION_MAGIC)) ? held : -1.0;
   double side = PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY ? 1.0 : -1.0;
   string sym = PositionGetString(POSITION_SYMBOL);
   string acct = AccountPin();
   ulong ident = (ulong)PositionGetInteger(POSITION_IDENTIFIER);
   long opened = PositionGetInteger(POSITION_TIME_MSC);
   double all = 0.0;
   double ours = 0.0;
   bool ever = false;
   int fills = ArraySize(g_fills);
   double told[];
   ArrayResize(told, fills);
   for(int k = 0; k < fills; k++)
      told[k] = 0.0;
   int n = HistorySelectByPosition((long)ident) ? HistoryDealsTotal() : 0;
   for(int i = 0; i < n; i++)
     {
      ulong deal = HistoryDealGetTicket(i);
      long type = deal != 0 ? HistoryDealGetInteger(deal, DEAL_TYPE) : -1;
      if(type != DEAL_TYPE_BUY && type != DEAL_TYPE_SELL)
         continue;
      double vol = HistoryDealGetDouble(deal, DEAL_VOLUME);
      bool own = OwnMagic(HistoryDealGetInteger(deal, DEAL_MAGIC));
      ever = ever || own;
      Net(vol * (type == DEAL_TYPE_BUY ? side : -side), own, all, ours);
      ulong order = (ulong)HistoryDealGetInteger(deal, DEAL_ORDER);
      for(int k = 0; k < fills; k++)
         if(g_fills[k].acct == acct && ((order != 0 && g_fills[k].order == order) || g_fills[k].deal == deal))
            told[k] += vol;
     }
   for(int k = 0; k < fills; k++)
     {
      double missing = g_fills[k].vol - told[k];
      if(missing <= 1e-9 || g_fills[k].acct != acct || g_fills[k].sym != sym)
         continue;
      //--- a fill that is older than the position is not of it. What made the position smaller counts in doubt, what made it larger not.
      bool adds = g_fills[k].side * side > 0.0;
      if(g_fills[k].ms + (adds ? 1000 : 5000) < opened || (adds && g_fills[k].pos != 0 && g_fills[k].pos != ident))
         continue;
      if(told[k] <= 0.0 && g_fills[k].deal != 0 && HistoryDealSelect(g_fills[k].deal) &&
         (ulong)HistoryDealGetInteger(g_fills[k].deal, DEAL_POSITION_ID) != ident)
         continue;
      ever = true;
      Net(missing * g_fills[k].side * side, true, all, ours);
     }
   sure = MathAbs(all - held) < 1e-9;
   if(ours > 0.0)
      return ours < held ? ours : held;
   if(!sure)
      return OWN_UNKNOWN;
   return ever ? 0.0 : -1.0;
  }

bool HistoryLate(Outcome &o)
  {
   return Refuse(o, CODE_NOT_SYNCED, "the history does not show yet what of the position is FX Executor's");
  }

//--- selects a position by its identifier where that is known, else by its ticket: a swap may have renumbered it
bool SelectPosition(ulong &ticket, const long ident)
  {
   if(PositionSelectByTicket(ticket) && (ident == 0 || PositionGetInteger(POSITION_IDENTIFIER) == ident))
      return true;
   for(int i = 0; i < PositionsTotal() && ident != 0; i++)
     {
      ulong other = PositionGetTicket(i);
      if(other != 0 && PositionGetInteger(POSITION_IDENTIFIER) == ident)
        {
         ticket = other;
         return true;
        }
     }
   return false;
  }

//--- selects the position of the request; false = refused
bool OurPosition(const Message &m, const string key, ulong &ticket, Outcome &o)
  {
   long t = 0;
   long ident = 0;
   if(!GetLong(m, key, 0, t) || t <= 0 || !GetLong(m, "ident", 0, ident))
      return Refuse(o, CODE_BAD_ARGUMENTS, "a position's ticket is needed");
   ticket = (ulong)t;
   if(!SelectPosition(ticket, ident))
      return Refuse(o, TRADE_RETCODE_POSITION_CLOSED, "the position is not open any more");
   bool sure = false;
   double ours = OwnVolume(sure);
   //--- a position that we opened may get its stop before the history tells what others did to it
   bool unknown = ours <= OWN_UNKNOWN;
   if(unknown && (m.type != "SLTP" || !OwnMagic(PositionGetInteger(POSITION_MAGIC))))
      return HistoryLate(o);
   if(ours < 0.0 && !unknown)
      return Refuse(o, CODE_BAD_ARGUMENTS, "the position was not opened by FX Executor");
   if(ours <= 0.0 && !unknown)
      return Refuse(o, TRADE_RETCODE_POSITION_CLOSED, "nothing of the position is FX Executor's any more: others closed it or turned it round");
   o.digits = PriceDigits(PositionGetString(POSITION_SYMBOL));
   o.pos = (ulong)PositionGetInteger(POSITION_IDENTIFIER);
   return true;
  }

//--- the request that closes what is ours of the selected position, or vol of it
bool ClosingRequest(const ulong ticket, const double vol, const long dev, const string fill, MqlTradeRequest &req, Outcome &o)
  {
   string sym = PositionGetString(POSITION_SYMBOL);
   bool sell = PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY;
   bool sure = false;
   double ours = OwnVolume(sure);
   if(!sure && (ours <= 0.0 || vol > ours + 1e-9))
      return HistoryLate(o);
   if(ours <= 0.0)
      return Refuse(o, TRADE_RETCODE_POSITION_CLOSED, "nothing of the position is FX Executor's");
   if(vol > ours + 1e-9)
      return Refuse(o, TRADE_RETCODE_INVALID_CLOSE_VOLUME, "the position, or FX Executor's part of it, is smaller than what is to be closed");
   MqlTick tick;
   double price = 0.0;
   ENUM_ORDER_TYPE_FILLING f = ORDER_FILLING_FOK;
   if(!FillingOf(fill, sym, false, f))
      return Refuse(o, CODE_BAD_ARGUMENTS, "unknown fill");
   //--- prices come only for symbols of the Market Watch; the first one may need a moment, and then it is asked again
   if(!SymbolSelect(sym, true) || !PriceNow(sym, !sell, tick, price))
      return Refuse(o, TRADE_RETCODE_PRICE_OFF, "there is no price of " + sym);
   o.bid = tick.bid;
   o.ask = tick.ask;
   req.action = TRADE_ACTION_DEAL;
   req.position = ticket;
   req.symbol = sym;
   req.volume = vol > 0.0 ? vol : ours;
   req.type = sell ? ORDER_TYPE_SELL : ORDER_TYPE_BUY;
   req.price = price;
   req.deviation = dev >= 0 ? (ulong)dev : DEVIATION;
   req.type_filling = f;
   req.magic = o.cid;
   req.comment = o.cid != 0 ? CidComment(o.cid, "") : "FX Executor";
   return true;
  }

bool BuildClose(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   ulong ticket = 0;
   double vol = 0.0;
   long dev = 0;
   if(!GetDouble(m, "vol", 0.0, vol) || vol < 0.0 || (vol <= 0.0 && !Blank(Get(m, "vol"))) || !GetLong(m, "dev", -1, dev))
      return Refuse(o, CODE_BAD_ARGUMENTS, "vol or dev is not a number that makes sense");
   return OurPosition(m, "ticket", ticket, o) && ClosingRequest(ticket, vol, dev, Get(m, "fill"), req, o);
  }

bool BuildCloseBy(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   ulong ticket = 0;
   ulong by = 0;
   if(!OurPosition(m, "by", by, o) || !OurPosition(m, "ticket", ticket, o))
      return false;
   req.action = TRADE_ACTION_CLOSE_BY;
   req.position = ticket;
   req.position_by = by;
   req.magic = o.cid;
   return true;
  }

//--- an empty level is left as it is, 0 removes it
bool BuildStops(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   ulong ticket = 0;
   double sl = 0.0;
   double tp = 0.0;
   if(!OurPosition(m, "ticket", ticket, o))
      return false;
   if(!GetDouble(m, "sl", PositionGetDouble(POSITION_SL), sl) || !GetDouble(m, "tp", PositionGetDouble(POSITION_TP), tp) || sl < 0.0 || tp < 0.0)
      return Refuse(o, CODE_BAD_ARGUMENTS, "sl or tp is not a price");
   req.action = TRADE_ACTION_SLTP;
   req.position = ticket;
   req.symbol = PositionGetString(POSITION_SYMBOL);
   req.sl = sl;
   req.tp = tp;
   req.magic = o.cid;
   return true;
  }

//--- selects the working order of the request; false = refused
bool OurOrder(const Message &m, ulong &ticket, Outcome &o)
  {
   long t = 0;
   if(!GetLong(m, "ticket", 0, t) || t <= 0)
      return Refuse(o, CODE_BAD_ARGUMENTS, "an order's ticket is needed");
   ticket = (ulong)t;
   if(!OrderSelect(ticket))
      return Refuse(o, TRADE_RETCODE_INVALID_ORDER, "the order is not working any more");
   if(!OwnMagic(OrderGetInteger(ORDER_MAGIC)))
      return Refuse(o, CODE_BAD_ARGUMENTS, "the order was not placed by FX Executor");
   o.digits = PriceDigits(OrderGetString(ORDER_SYMBOL));
   o.order = ticket;
   return true;
  }

bool BuildModify(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   ulong ticket = 0;
   double price = 0.0;
   double stoplimit = 0.0;
   double sl = 0.0;
   double tp = 0.0;
   long expires = 0;
   ENUM_ORDER_TYPE_TIME life = ORDER_TIME_GTC;
   if(!OurOrder(m, ticket, o))
      return false;
   bool good = GetDouble(m, "price", OrderGetDouble(ORDER_PRICE_OPEN), price) && price > 0.0 &&
               GetDouble(m, "stoplimit", OrderGetDouble(ORDER_PRICE_STOPLIMIT), stoplimit) &&
               GetDouble(m, "sl", OrderGetDouble(ORDER_SL), sl) && GetDouble(m, "tp", OrderGetDouble(ORDER_TP), tp) &&
               GetLong(m, "exp", OrderGetInteger(ORDER_TIME_EXPIRATION), expires) && LifetimeOf(Get(m, "ttype"), life);
   if(!good || sl < 0.0 || tp < 0.0)
      return Refuse(o, CODE_BAD_ARGUMENTS, "the fields do not make a change of an order");
   if(Blank(Get(m, "ttype")))
      life = (ENUM_ORDER_TYPE_TIME)OrderGetInteger(ORDER_TYPE_TIME);
   ENUM_ORDER_TYPE type = (ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE);
   bool bare = sl <= 0.0 && OrderGetDouble(ORDER_SL) <= 0.0;   // it was placed with nostop=1 and stays as it is
   string why = "";
   if(!bare && !StopsMakeSense(m, type, stoplimit > 0.0 ? stoplimit : price, sl, tp, why))
      return Refuse(o, CODE_BAD_ARGUMENTS, why);
   req.action = TRADE_ACTION_MODIFY;
   req.order = ticket;
   req.symbol = OrderGetString(ORDER_SYMBOL);
   req.type = type;
   req.type_filling = (ENUM_ORDER_TYPE_FILLING)OrderGetInteger(ORDER_TYPE_FILLING);
   req.type_time = life;
   req.price = price;
   req.stoplimit = stoplimit;
   req.sl = sl;
   req.tp = tp;
   req.expiration = (datetime)expires;
   return true;
  }

bool BuildCancel(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   ulong ticket = 0;
   if(!OurOrder(m, ticket, o))
      return false;
   req.action = TRADE_ACTION_REMOVE;
   req.order = ticket;
   return true;
  }

bool Build(const Message &m, MqlTradeRequest &req, Outcome &o)
  {
   if(m.type == "ORDER" || m.type == "CHECK")
      return BuildOrder(m, req, o);
   if(m.type == "CLOSE")
      return BuildClose(m, req, o);
   if(m.type == "CLOSEBY")
      return BuildCloseBy(m, req, o);
   if(m.type == "SLTP")
      return BuildStops(m, req, o);
   if(m.type == "MODIFY")
      return BuildModify(m, req, o);
   return BuildCancel(m, req, o);
  }

//--- step 6. A check must never stand in the way of what takes risk away, so closing and cancelling go without.
bool Checked(MqlTradeRequest &req, Outcome &o)
  {
   MqlTradeCheckResult check = {};
   bool passed = OrderCheck(req, check);
   int d = MoneyDigits();
   o.money = Num("margin", check.margin, d) + Num("free", check.margin_free, d) + Num("level", check.margin_level, 2);
   if(passed)
      return true;
   return Refuse(o, check.retcode != 0 ? (long)check.retcode : (long)TRADE_RETCODE_INVALID, check.comment);
  }

//--- turns a trace of the terminal into the answer that was lost
void FromTrace(const Trace &r, const bool deal, Outcome &o)
  {
   o.order = r.order;
   o.deal = r.deal;
   o.pos = r.where == "pos" || r.where == "deal" ? r.ticket : 0;
   o.vol = r.vol;
   o.price = r.price;
   o.profit = r.profit;
   o.digits = r.digits;
   o.stage = "done";
   o.ok = true;
   o.keep = true;
   o.retcode = TRADE_RETCODE_DONE;
   o.comment = "found";
   if(r.where == "ord")
     {
      o.retcode = TRADE_RETCODE_PLACED;
      o.stage = deal ? "sent" : "done";
      o.ok = !deal;
     }
   if(r.where == "hist")
     {
      bool was_placed = !deal && r.state != ORDER_STATE_REJECTED;
      o.ok = was_placed;
      o.retcode = was_placed ? TRADE_RETCODE_PLACED : (r.state == ORDER_STATE_REJECTED ? TRADE_RETCODE_REJECT : TRADE_RETCODE_CANCEL);
      o.comment = "found: " + OrderStateName(r.state);
     }
  }

//--- for requests that leave no magic behind: whether all that was asked for is so now
bool IsSo(const Message &m)
  {
   long t = 0;
   long ident = 0;
   if(!GetLong(m, "ticket", 0, t) || t <= 0 || !GetLong(m, "ident", 0, ident))
      return false;
   ulong ticket = (ulong)t;
   double sl = 0.0;
   double tp = 0.0;
   double price = 0.0;
   double stoplimit = 0.0;
   long expires = 0;
   ENUM_ORDER_TYPE_TIME life = ORDER_TIME_GTC;
   if(m.type == "SLTP" && SelectPosition(ticket, ident))
      return GetDouble(m, "sl", PositionGetDouble(POSITION_SL), sl) && MathAbs(sl - PositionGetDouble(POSITION_SL)) < 1e-9 &&
             GetDouble(m, "tp", PositionGetDouble(POSITION_TP), tp) && MathAbs(tp - PositionGetDouble(POSITION_TP)) < 1e-9;
   if(m.type == "MODIFY" && OrderSelect(ticket))
      return GetDouble(m, "sl", OrderGetDouble(ORDER_SL), sl) && MathAbs(sl - OrderGetDouble(ORDER_SL)) < 1e-9 &&
             GetDouble(m, "tp", OrderGetDouble(ORDER_TP), tp) && MathAbs(tp - OrderGetDouble(ORDER_TP)) < 1e-9 &&
             GetDouble(m, "price", OrderGetDouble(ORDER_PRICE_OPEN), price) && MathAbs(price - OrderGetDouble(ORDER_PRICE_OPEN)) < 1e-9 &&
             GetDouble(m, "stoplimit", OrderGetDouble(ORDER_PRICE_STOPLIMIT), stoplimit) &&
             MathAbs(stoplimit - OrderGetDouble(ORDER_PRICE_STOPLIMIT)) < 1e-9 &&
             GetLong(m, "exp", OrderGetInteger(ORDER_TIME_EXPIRATION), expires) && expires == OrderGetInteger(ORDER_TIME_EXPIRATION) &&
             LifetimeOf(Get(m, "ttype"), life) && (Blank(Get(m, "ttype")) || (long)life == OrderGetInteger(ORDER_TYPE_TIME));
   if(m.type == "CANCEL" && !OrderSelect(ticket) && HistoryOrderSelect(ticket))
      return HistoryOrderGetInteger(ticket, ORDER_STATE) == ORDER_STATE_CANCELED;
   return false;
  }

//--- milliseconds since an order was made, by the counter that no clock can move. The program reckons made_ms from the last TIME that
//--- it has read: the newest, or while that one was on its way the one before, which a made_ms in the future shows.
long MadeAgo(const long made)
  {
   ulong now = NowMs();
   long ago = (long)(now - g_time_at) - (made - g_time_ms);
   long before = (long)(now - g_time_before_at) - (made - g_time_before_ms);
   return ago < -2000 && g_time_before_ms > 0 && before >= -2000 ? before : ago;
  }

//--- step 4: for this account, and young enough: since it was read, and since it was made, which counts what waited in the pipe while
//--- OrderSend was at work. The program may have read TIME a little late, so it gets one second of grace.
bool PinAndLife(const Message &m, const ulong at, Outcome &o)
  {
   if(Get(m, "acct") != AccountPin())
      return Refuse(o, CODE_OTHER_ACCOUNT, "the order is for account " + Get(m, "acct") + ", the terminal is on " + AccountPin());
   long ttl = 0;
   long made = 0;
   if(!GetMs(m, "ttl_ms", ttl) || ttl == 0 || !GetMs(m, "made_ms", made))
      return Refuse(o, CODE_BAD_ARGUMENTS, "ttl_ms is needed");
   //--- What only closes or cancels is never late by when it was made: a doubt about time must not hold it up.
   if(m.type == "CLOSE" || m.type == "CLOSEBY" || m.type == "CANCEL")
      made = 0;
   if((long)(NowMs() - at) > ttl || (made > 0 && MadeAgo(made) > ttl + 1000))
      return Refuse(o, CODE_LATE, "the order is older than " + IntegerToString(ttl) + " ms");
   return true;
  }

//--- steps 1 to 10 of one order
void RunOrder(const Message &m, const ulong at)
  {
   string id = Get(m, "id");
   bool check = m.type == "CHECK";
   long cid = 0;
   Outcome o;
   ClearOutcome(o);
   o.kind = m.type;
   o.hash = HashOf(m);
   if(Blank(Get(m, "cid")))
     {
      Deny(id, o, CODE_BAD_ARGUMENTS, "an order needs its client id");
      return;
     }
   if(!GetLong(m, "cid", 0, cid) || !OwnMagic(cid))
     {
      Deny(id, o, CODE_BAD_ARGUMENTS, "the client id " + Get(m, "cid") + " is none of FX Executor's");
      return;
     }
   o.cid = (ulong)cid;
   //--- a journal that cannot be read or written may not keep a position open: what only closes or cancels goes without
   bool closes = m.type == "CLOSE" || m.type == "CLOSEBY" || m.type == "CANCEL";
   if(!check && !JournalReady() && !closes)
     {
      Deny(id, o, CODE_NO_JOURNAL, "the journal of the Expert Advisor cannot be opened: what was sent before is not known");
      return;
     }
   bool pending = Get(m, "action") == "pending";
   bool identified = m.type == "ORDER" || m.type == "CLOSE" || m.type == "CLOSEBY";
   if(!check)
     {
      //--- 1. answered before
      int i = Remembered(o.cid);
      if(i >= 0 && g_memory[i].hash != o.hash)
        {
         Deny(id, o, CODE_OTHER_ORDER, "this client id belongs to an order with other parameters");
         return;
        }
      if(i >= 0 && g_memory[i].stage != "sent")
        {
         Answer(id, g_memory[i], true);
         return;
        }
      //--- 2. and 3. sent before, or known to the terminal
      long made = 0;
      long since = BrokerMs();
      if(GetMs(m, "made_ms", made) && made > 0 && made < since)
         since = made;
      if(i >= 0 && g_memory[i].ms < since)
         since = g_memory[i].ms;
      bool found = false;
      if(identified)
        {
         Trace r;
         Ordered want;
         OrderedBy(m, want);
         Search(o.cid, want, since / 1000, r);
         if(!r.searched && i < 0)
           {
            Deny(id, o, CODE_NOT_SYNCED, "the terminal cannot read its history now");
            return;
           }
         if(r.other && Blank(r.where) && i < 0)
           {
            Refuse(o, CODE_OTHER_PROGRAM, "this id is used by another program");
            JournalResult(o);
            Answer(id, o, false);
            return;
           }
         found = Proves(r);
         if(found)
            FromTrace(r, !pending, o);
         else
            if(!Blank(r.where) && i < 0)
              {
               o.order = r.order;                        // filled, and its deal is not in the history yet
               o.stage = "sent";
               o.retcode = CODE_UNKNOWN;
               Answer(id, o, true);
               return;
              }
        }
      else
         if(i >= 0 && IsSo(m))
           {
            found = true;
            o.stage = "done";
            o.ok = true;
            o.retcode = TRADE_RETCODE_DONE;
            o.comment = "found";
           }
      if(found)
        {
         if(o.stage == "done")
            JournalResult(o);
         Answer(id, o, true);
         return;
        }
      if(i >= 0)
        {
         Outcome open = g_memory[i];
         open.retcode = CODE_UNKNOWN;
         open.comment = "it was sent and nothing shows yet what became of it";
         Answer(id, open, true);
         return;
        }
     }
   //--- 4. account and life, 5. what must hold, 6. OrderCheck
   MqlTradeRequest req = {};
   string forbidden = Forbidden();
   bool go = PinAndLife(m, at, o);
   o.acct = AccountPin();
   if(go && !Blank(forbidden))
     {
      Refuse(o, CODE_NOT_PERMITTED, forbidden);
      go = false;
     }
   go = go && Build(m, req, o);
   if(go && (m.type == "ORDER" || m.type == "MODIFY" || check))
      go = Checked(req, o);
   if(check)
     {
      if(go)
        {
         o.stage = "done";
         o.ok = true;
        }
      Answer(id, o, false);
      return;
     }
   if(!go)
     {
      if(o.keep)
         JournalResult(o);                               // never sent, and that is definite
      Answer(id, o, false);
      return;
     }
   //--- 7. journal, 8. OrderSend, 9. journal
   SendWhole(id, req, o, !closes);
   //--- 10.
   Answer(id, o, false);
  }

bool Holds(const ulong &keys[], const ulong key)
  {
   for(int i = 0; i < ArraySize(keys); i++)
      if(keys[i] == key)
         return true;
   return false;
  }

void Note(ulong &keys[], const ulong key)
  {
   int n = ArraySize(keys);
   ArrayResize(keys, n + 1, 64);
   keys[n] = key;
  }

//--- what is ours now, without what is in `skip`: working orders, then positions when those are asked for
void OwnKeys(const bool positions, const ulong &skip[], ulong &keys[])
  {
   ArrayResize(keys, 0);
   for(int i = 0; i < OrdersTotal(); i++)
     {
      ulong t = OrderGetTicket(i);
      if(t != 0 && OwnMagic(OrderGetInteger(ORDER_MAGIC)) && !Holds(skip, OwnKey(t, true)))
         Note(keys, OwnKey(t, true));
     }
   for(int i = 0; i < PositionsTotal() && positions; i++)
     {
      ulong t = PositionGetTicket(i);
      if(t == 0 || Holds(skip, OwnKey(t, false)))
         continue;
      bool sure = false;
      double ours = OwnVolume(sure);
      if(ours > 0.0 || (ours <= OWN_UNKNOWN && OwnMagic(PositionGetInteger(POSITION_MAGIC))))
         Note(keys, OwnKey(t, false));
     }
  }

//--- ours, still open or working
int OwnLeft(const bool positions)
  {
   ulong none[];
   ulong keys[];
   OwnKeys(positions, none, keys);
   return ArraySize(keys);
  }

//--- the next of ours to be taken off, 0 when there is none. Orders come first, so that nothing fills any more; what fills
//--- meanwhile is a position at the next call, since each looks afresh.
ulong NextOwn(const bool positions, const ulong &skip[])
  {
   ulong keys[];
   OwnKeys(positions, skip, keys);
   return ArraySize(keys) > 0 ? keys[0] : 0;
  }

//--- sends the cancellation of an order or the closing of a position. What is certainly not executed is tried again: at a fresh price,
//--- or with another filling than the symbol's mask promises.
void SendOff(const string id, const ulong ticket, const bool order, const ulong magic, Outcome &o)
  {
   MqlTradeRequest req = {};
   if(order)
     {
      string kind = o.kind;
      o.kind = "REST";                                   // after a restart a second cancelling does no harm, and what filled
      req.action = TRADE_ACTION_REMOVE;                  // meanwhile has the same number
      req.order = ticket;
      SendTrade(id, req, o, false);
      o.kind = kind;
      return;
     }
   string fills[];
   int words = StringSplit("auto,fok,ioc,return", ',', fills);
   int word = 0;
   for(int attempt = 0; attempt < 6 && word < words; attempt++)
     {
      if(!PositionSelectByTicket(ticket))
        {
         Refuse(o, TRADE_RETCODE_POSITION_CLOSED, "the position is not open any more");
         break;
        }
      ulong own = (ulong)PositionGetInteger(POSITION_MAGIC);
      o.digits = PriceDigits(PositionGetString(POSITION_SYMBOL));
      if(!ClosingRequest(ticket, 0.0, -1, fills[word], req, o))
         break;
      req.magic = magic != 0 ? magic : own;
      SendWhole(id, req, o, false);
      if(o.retcode == TRADE_RETCODE_INVALID_FILL)
         word++;
      else
         if(o.retcode != TRADE_RETCODE_REQUOTE && o.retcode != TRADE_RETCODE_PRICE_CHANGED)
            break;
     }
  }

//--- takes one of ours off because of FLAT or the dead-man switch, and notes when it may be touched again
void TakeOff(const string id, const string kind, const ulong key, const ulong magic, Outcome &o)
  {
   if(g_leaving_of != AccountPin() && !Blank(g_leaving_of))
      ArrayResize(g_leaving, 0);
   g_leaving_of = AccountPin();
   bool order = key % 2 == 0;
   ulong ticket = key / 2;
   ClearOutcome(o);
   o.kind = kind;
   o.acct = g_leaving_of;
   int i = LeavingAt(key);
   string forbidden = Forbidden();
   if(g_leaving[i].under_way && NowMs() < g_leaving[i].until)
     {
      o.stage = "sent";                                  // on netting a second close could turn the position round
      o.retcode = CODE_UNKNOWN;
      o.comment = "its closing is on its way already";
     }
   else
      if(!Blank(forbidden))
         Refuse(o, CODE_NOT_PERMITTED, forbidden);
      else
        {
         SendOff(id, ticket, order, magic, o);
         bool sent = o.stage == "sent";
         if(o.ok || (sent && !order))
            Hold(key, sent ? DoubtMs() : SETTLE_MS, true);
         else
            if(o.retcode == CODE_NOT_SYNCED)
               Hold(key, 1000, false);                   // the history is on its way
            else
              {
               Hold(key, g_leaving[i].pause, false);
               g_leaving[i].pause = g_leaving[i].pause * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS : g_leaving[i].pause * 2;
              }
        }
   if(order)
      o.order = ticket;
   else
      o.pos = ticket;
  }

//+------------------------------------------------------------------+
//| Listening: lines are sorted as they come. What must be answered  |
//| at once is; orders and requests for data wait in two lines.      |
//+------------------------------------------------------------------+
bool IsOrderType(const string type)
  {
   return type == "ORDER" || type == "CLOSE" || type == "CLOSEBY" || type == "SLTP" || type == "MODIFY" || type == "CANCEL" ||
          type == "CHECK" || type == "FLAT";
  }

bool IsAskType(const string type)
  {
   return type == "SYMS" || type == "SYM" || type == "SUB" || type == "UNSUB" || type == "RATES" || type == "SNAP" ||
          type == "HIST" || type == "FIND";
  }

string MarginName(const long m)
  {
   if(m == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING)
      return "hedging";
   return m == ACCOUNT_MARGIN_MODE_EXCHANGE ? "exchange" : "netting";
  }

string KindName(const long k)
  {
   if(k == ACCOUNT_TRADE_MODE_REAL)
      return "real";
   return k == ACCOUNT_TRADE_MODE_CONTEST ? "contest" : "demo";
  }

void Greet()
  {
   g_q = 0;
   g_beat = 0;
   g_ack = 0;
   g_greeted = AccountPin();
   g_nonce = NewNonce();
   g_other = "";
   g_stage = LINK_GREETED;
   Put("HELLO", Int("proto", EA_PROTO) + Txt("ea", EA_VERSION) + Int("build", TerminalInfoInteger(TERMINAL_BUILD)) +
       Txt("term", StringSubstr(Sha256Hex(TerminalInfoString(TERMINAL_DATA_PATH)), 0, 16)) +
       Txt("path", TerminalInfoString(TERMINAL_PATH)) + Int("login", AccountInfoInteger(ACCOUNT_LOGIN)) +
       Txt("server", AccountInfoString(ACCOUNT_SERVER)) + Txt("company", AccountInfoString(ACCOUNT_COMPANY)) +
       Txt("ccy", AccountInfoString(ACCOUNT_CURRENCY)) + Int("digits", MoneyDigits()) +
       Txt("margin", MarginName(AccountInfoInteger(ACCOUNT_MARGIN_MODE))) + Int("leverage", AccountInfoInteger(ACCOUNT_LEVERAGE)) +
       Txt("kind", KindName(AccountInfoInteger(ACCOUNT_TRADE_MODE))) + Txt("nonce", g_nonce) + Txt("role", InpRole) +
       Txt("link", InpTcp ? "tcp" : "pipe") + FlagFields());
  }

//--- the program has proved itself
void Welcome()
  {
   g_stage = LINK_UP;
   g_pause = 500;
   g_contact = NowMs();
   Say("Connected to FX Executor.");
   SendTime();
   SendFlags();
   SendAccount();
   for(int i = 0; i < ArraySize(g_told); i++)
      Line("LOG", g_told[i]);
   ArrayResize(g_told, 0);
  }

void Reject(const string words)
  {
   Say(words);
   Bye("auth");
  }

//--- nothing but the two lines of the handshake is listened to before the program has proved that it knows the secret
void Handshake(const Message &m)
  {
   if(m.type == "BYE")
     {
      string reason = Get(m, "reason");
      bool proven = g_stage == LINK_ANSWERED && Get(m, "mac") == HmacHex(g_secret, reason + "|" + g_other + "|" + g_nonce);
      Forget();
      if(reason == "taken")
        {
         Say("FX Executor has an Expert Advisor of this account already; this one waits until it is gone.");
         if(proven)
            g_contact = g_retry;                         // it lives and serves this account, until the next attempt says otherwise
        }
      else
         if(reason == "other_account")
            Say("FX Executor serves another account, and one at a time; this one waits until the Expert Advisor of that account is gone.");
         else
            if(reason == "proto")
               Say("FX Executor speaks another version of the link. Install the Expert Advisor that came with it.");
            else
               Say("FX Executor does not take the connection (" + reason + "); trying again.");
      return;
     }
   if(g_stage == LINK_GREETED && m.type == "CHAL" && StringLen(Get(m, "nonce")) == 64)
     {
      g_other = Get(m, "nonce");
      g_stage = LINK_ANSWERED;
      Put("AUTH", Txt("mac", HmacHex(g_secret, "ea|" + g_nonce + "|" + g_other + "|" + IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN)) +
                  "|" + AccountInfoString(ACCOUNT_SERVER) + "|" + IntegerToString(EA_PROTO))));
      return;
     }
   if(g_stage == LINK_ANSWERED && m.type == "OK")
     {
      if(Get(m, "mac") == HmacHex(g_secret, "ex|" + g_other + "|" + g_nonce))
         Welcome();
      else
         Reject("What answers on the link does not know the secret of FX Executor; it is not listened to.");
      return;
     }
   Reject("What answers on the link does not speak as FX Executor does; it is not listened to.");
  }

void TakeLater(const string text, const Message &m)
  {
   if(IsOrderType(m.type))
     {
      int n = ArraySize(g_orders);
      if(n >= MAX_ORDERS + (m.type == "FLAT" ? 1 : 0))   // stopping everything has a place of its own
        {
         long cid = 0;
         Outcome o;
         ClearOutcome(o);
         Refuse(o, CODE_BUSY, "too many orders are waiting");
         if(GetLong(m, "cid", 0, cid))
            o.cid = (ulong)cid;
         Answer(Get(m, "id"), o, false);
         return;
        }
      ArrayResize(g_orders, n + 1, 64);
      g_orders[n].text = text;
      g_orders[n].at = NowMs();
      return;
     }
   if(!IsAskType(m.type))
     {
      Fault(Get(m, "id"), CODE_BAD_ARGUMENTS, "unknown line " + m.type);
      return;
     }
   int n = ArraySize(g_asks);
   if(n >= MAX_ASKS)
     {
      Fault(Get(m, "id"), CODE_BUSY, "too many requests are waiting");
      return;
     }
   ArrayResize(g_asks, n + 1, 64);
   g_asks[n].text = text;
   g_asks[n].at = NowMs();
  }

void Take(const string text)
  {
   Message m;
   string why = "";
   g_heard = NowMs();
   bool good = Parse(text, m, why);
   if(g_stage != LINK_UP)
     {
      if(good)
         Handshake(m);
      else
         Reject("What answers on the link does not speak as FX Executor does; it is not listened to.");
      return;
     }
   g_contact = g_heard;
   if(!good)
     {
      Fault("", CODE_BAD_ARGUMENTS, why);
      return;
     }
   if(m.type == "HB")
     {
      long n = 0;
      if(GetLong(m, "n", 0, n))
         g_ack = n;
      return;
     }
   if(m.type == "PING")
     {
      if(g_hot < g_heard + WARM_MS)
         g_hot = g_heard + WARM_MS;
      Line("PONG", Txt("id", Get(m, "id")) + Txt("x", Get(m, "x")));
      Flush();
      return;
     }
   if(m.type == "BYE")
     {
      string reason = Get(m, "reason");
      Forget();
      Say("FX Executor said goodbye (" + reason + "); waiting for it.");
      return;
     }
   if(m.type == "ERR" || m.type == "LOG")
     {
      Print("FX Executor: the program says: ", Get(m, "text"));
      return;
     }
   g_hot = g_heard + HOT_MS;
   TakeLater(text, m);
  }

//--- cuts what has been read into lines; false when the link ended meanwhile
bool TakeLines()
  {
   int size = ArraySize(g_rx);
   int start = 0;
   bool clean = true;
   for(int i = 0; i < size; i++)
     {
      if(g_rx[i] == 0 || g_rx[i] == '\r')
         clean = false;
      if(g_rx[i] != '\n')
         continue;
      if(i - start + 1 > MAX_LINE)
        {
         Say("FX Executor sent a line that is too long; connecting again.");
         Forget();
         return false;
        }
      string text = i > start && clean ? CharArrayToString(g_rx, start, i - start, CP_UTF8) : "";
      start = i + 1;
      clean = true;
      Take(text);                                        // an empty one is damage, as everything without a type
      if(g_handle == INVALID_HANDLE)
         return false;
     }
   int left = size - start;
   if(left >= MAX_LINE)
     {
      Say("FX Executor sent a line that is too long; connecting again.");
      Forget();
      return false;
     }
   if(start > 0)
     {
      for(int i = 0; i < left; i++)
         g_rx[i] = g_rx[start + i];
      ArrayResize(g_rx, left, READ_CHUNK);
     }
   return true;
  }

//--- reads everything that is there, waiting at most so many milliseconds for the first of it
void Poll(const int wait)
  {
   Flush();
   if(g_handle == INVALID_HANDLE)
      return;
   ulong now = NowMs();
   if(now - g_polled > 1000)
      g_heard += now - g_polled;                         // the terminal kept us from listening: not the program's silence
   g_polled = now;
   for(int guard = 0; guard < 64; guard++)
     {
      uchar chunk[];
      int got = LinkRead(chunk, guard == 0 ? wait : 0);
      if(got < 0)
        {
         Forget();
         Say("The link to FX Executor broke; connecting again.");
         return;
        }
      if(got == 0)
         break;
      ArrayResize(chunk, got);
      Append(g_rx, chunk);
      if(!TakeLines())
         return;
     }
   g_polled = NowMs();
  }

//--- FLAT: first the latch, so that nothing new comes in; then cancel, so that nothing fills; then close. What is left after that,
//--- TakeRiskOff goes on with.
void RunFlat(const Message &m)
  {
   string id = Get(m, "id");
   long cid = 0;
   bool on = Get(m, "on") == "1";
   Outcome o;
   ClearOutcome(o);
   o.kind = "FLAT";
   if(!GetLong(m, "cid", 0, cid) || (cid != 0 && !OwnMagic(cid)))
     {
      Deny(id, o, CODE_BAD_ARGUMENTS, "the client id " + Get(m, "cid") + " is none of FX Executor's");
      return;
     }
   if(!on && Get(m, "on") != "0")
     {
      Deny(id, o, CODE_BAD_ARGUMENTS, "FLAT needs on=0 or on=1");
      return;
     }
   o.cid = (ulong)cid;
   if(Get(m, "acct") != AccountPin())
     {
      Deny(id, o, CODE_OTHER_ACCOUNT, "FLAT is for account " + Get(m, "acct") + ", the terminal is on " + AccountPin());
      return;
     }
   JournalReady();
   int mine = FlatAt(AccountPin());
   g_flats[mine].on = on;
   g_flats[mine].said = true;
   g_flats[mine].cid = (ulong)cid;
   bool kept = JournalAppend(FlatRecord(g_flats[mine]));
   int all = FlatAt("");
   if(!on && g_flats[all].on)
     {
      g_flats[all].on = false;
      g_flats[all].said = true;
      kept = JournalAppend(FlatRecord(g_flats[all])) && kept;
     }
   if(!kept)
      Tell("error", "journal", "The journal cannot be written: after a restart of this Expert Advisor trading would not be stopped any more.");
   ulong tried[];
   if(on)
      Print("FX Executor: trading is stopped (", Get(m, "reason"), "); taking off ", OwnLeft(true), " order(s) and position(s).");
   else
      Print("FX Executor: trading is allowed again.");
   ulong key = on ? NextOwn(true, tried) : 0;
   while(key != 0 && Get(m, "acct") == AccountPin())
     {
      TakeOff(id, "FLAT", key, (ulong)cid, o);
      o.cid = (ulong)cid;
      Answer(id, o, false);
      Note(tried, key);
      Poll(0);
      key = NextOwn(true, tried);
     }
   if(Get(m, "acct") != AccountPin())
      return;                                            // what is open on the account that came meanwhile is not meant
   Line("END", Txt("id", id) + Int("n", ArraySize(tried)) + Int("left", OwnLeft(true)));
   Flush();
  }

//--- the next order line; FLAT goes before all others. False when none waits.
bool OneOrder()
  {
   int n = ArraySize(g_orders);
   if(n == 0)
      return false;
   int at = 0;
   for(int i = 0; i < n; i++)
      if(StringFind(g_orders[i].text, "FLAT\t") == 0)
        {
         at = i;
         break;
        }
   Todo todo = g_orders[at];
   for(int i = at; i + 1 < n; i++)
      g_orders[i] = g_orders[i + 1];
   ArrayResize(g_orders, n - 1, 64);
   Message m;
   string why = "";
   if(!Parse(todo.text, m, why))
      return true;                                       // parsed once already when it came
   if(m.type == "FLAT")
      RunFlat(m);
   else
      RunOrder(m, todo.at);
   return true;
  }

//+------------------------------------------------------------------+
//| What goes on by itself until nothing of ours is left: FLAT, and  |
//| the dead-man switch                                              |
//+------------------------------------------------------------------+
bool DeadMan()
  {
   //--- while the terminal stands still nobody is heard: of such a time one second counts as the program's silence
   ulong now = NowMs();
   ulong still = now - g_dead_look > 1000 ? now - g_dead_look - 1000 : 0;
   g_dead_look = now;
   if(g_contact + still <= now)
      g_contact += still;
   if(InpDeadManSeconds <= 0 || (long)(now - g_contact) < (long)InpDeadManSeconds * 1000)
     {
      g_dead = false;
      return false;
     }
   if(!g_dead)
     {
      g_dead = true;
      int n = OwnLeft(InpDeadManClose);
      if(n > 0)
         Tell("warn", "deadman", "FX Executor has not served this account for " + IntegerToString(InpDeadManSeconds) +
              " s: taking off " + IntegerToString(n) + " order(s) and position(s) of ours.");
     }
   return true;
  }

//--- one a timer event. What fails is tried again, and what fills meanwhile is taken off too.
void TakeRiskOff()
  {
   bool dead = DeadMan();
   int mine = FlatAt(AccountPin());
   bool flat = g_flats[mine].on;
   ulong now = NowMs();
   if((!flat && !dead) || now < g_sweep_at)
      return;
   ulong wait[];
   for(int i = 0; i < ArraySize(g_leaving); i++)
      if(now < g_leaving[i].until)
         Note(wait, g_leaving[i].key);
   ulong key = NextOwn(flat || InpDeadManClose, wait);
   string hindered = key != 0 ? Forbidden() : "";
   string code = flat ? "flat" : "deadman";
   if(!Blank(hindered) && hindered != g_hindered)
      Tell("error", code, "Orders or positions of ours cannot be taken off: " + hindered + ". It goes on as soon as that has changed.");
   g_hindered = hindered;
   if(key == 0 || !Blank(hindered))
     {
      g_sweep_at = now + LOOK_MS;
      return;
     }
   Outcome o;
   TakeOff("", flat ? "FLAT" : "DEADMAN", key, flat ? g_flats[mine].cid : 0, o);
   string what = (key % 2 == 0 ? "order " : "position ") + IntegerToString((long)(key / 2));
   string why = " (" + IntegerToString(o.retcode) + " " + o.comment + ")";
   int i = LeavingAt(key);
   if(o.ok)
      Tell("warn", code, "Took off " + what + why + ".");
   else
      if(g_leaving[i].told != why)
         Tell("error", code, o.stage == "sent" ? "Whether " + what + " was taken off is not known yet" + why + "; it is looked at again."
              : "Could not take off " + what + why + "; it is tried again.");
   g_leaving[i].told = o.ok ? "" : why;
  }

//+------------------------------------------------------------------+
//| One round of work                                                |
//+------------------------------------------------------------------+
//--- what is looked at on every event
void Watch()
  {
   ulong now = NowMs();
   LookAtClock();
   bool connected = Connected();
   if(connected != g_connected)
     {
      g_connected = connected;
      g_connected_at = now;
      if(!connected)
         g_epoch++;
     }
   if(g_stage != LINK_CLOSED && AccountPin() != g_greeted)
     {
      g_pause = 500;
      Say("The account changed; greeting FX Executor anew.");
      Bye("account");
      g_retry = now;
     }
   // also while nobody is connected: what an order left behind must not fill later
   if(now - g_leftover_look >= 1000)
     {
      g_leftover_look = now;
      CancelLeftovers();
      JournalReady();
      if(g_journal_size > JOURNAL_LARGE && now >= g_compact_at && ArraySize(g_orders) == 0 && Blank(g_job))
         JournalCompact();
     }
  }

void Connect()
  {
   if(g_handle != INVALID_HANDLE || NowMs() < g_retry)
      return;
   if(AccountInfoInteger(ACCOUNT_LOGIN) == 0)
     {
      Say("Waiting for the terminal to log in to a trading account.");
      g_retry = NowMs() + 500;
      return;
     }
   if(!ReadLinkFile() || !LinkOpen())
     {
      g_retry = NowMs() + g_pause;
      g_pause = g_pause * 2 > 5000 ? 5000 : g_pause * 2;
      return;
     }
   g_opened = NowMs();
   g_heard = g_opened;
   g_polled = g_opened;
   g_spoke = g_opened;
   Greet();
  }

//--- what is due by the clock
void Clockwork()
  {
   if(g_handle == INVALID_HANDLE)
      return;
   ulong now = NowMs();
   if(g_stage != LINK_UP)
     {
      if(now - g_opened > 5000)
        {
         Say("Something accepts the connection and does not answer as FX Executor does; trying again.");
         Forget();
        }
      return;
     }
   if(now - g_heard > 5000)
     {
      Say("FX Executor is silent; connecting again.");
      Forget();
      return;
     }
   if(now - g_second_at >= 1000)
     {
      g_second_at = now;
      if(FlagFields() + Int("login", AccountInfoInteger(ACCOUNT_LOGIN)) != g_flags)
         SendFlags();
      if(BrokerOffset() != g_offset || now - g_time_at >= 60000)
         SendTime();
      if(AccountFields() != g_account)
         SendAccount();
     }
   if(now - g_spoke >= 1000 && Blank(g_tx))
     {
      g_beat++;
      Line("HB", Int("n", g_beat) + Int("ack", g_ack));
     }
  }

//--- orders first and all of them; then one piece of a list, then a look whether an order came; until the event's time is used
//--- up. While the program is asking for things (hot), what is left of the time is spent listening.
void Work(const int wait)
  {
   ulong began = NowMs();
   ulong budget = (ulong)(wait > 0 ? wait : 0);
   Watch();
   Connect();
   Poll(0);
   while(g_handle != INVALID_HANDLE)
     {
      if(OneOrder())
        {
         Poll(0);
         continue;
        }
      ulong used = NowMs() - began;
      if(OnePiece())
        {
         Poll(0);
         if(used >= budget && ArraySize(g_orders) == 0)
            break;
         continue;
        }
      bool listen = InpTcp || NowMs() < g_hot;          // waiting on a pipe takes the processor, on a socket it does not
      if(used >= budget || g_stage != LINK_UP || !listen)
         break;
      Poll((int)(budget - used));
     }
   if(Up())
      Streams();
   Clockwork();
   Flush();
  }

//+------------------------------------------------------------------+
//| 8. Events                                                        |
//+------------------------------------------------------------------+
int OnInit()
  {
   ulong now = NowMs();
   LinkClose();
   g_pause = 500;
   Forget();
   g_retry = 0;
   g_pause = 500;
   g_said = "";
   g_contact = now;
   g_connected = Connected();
   g_connected_at = now;
   g_second_at = now;
   g_compact_at = 0;
   g_hot = 0;
   g_dead = false;
   g_dead_look = now;
   g_sweep_at = 0;
   g_hindered = "";
   ArrayResize(g_leaving, 0);
   g_leaving_of = "";
   g_sent_ticket = 0;
   g_clock_s = 0;
   g_lead_at = 0;
   LookAtClock();
   MathSrand((int)(GetMicrosecondCount() & 0x7fffffff));
   ArrayResize(g_memory, 0);
   ArrayResize(g_fills, 0);
   g_journal_read = false;
   ArrayResize(g_flats, 0);
   g_torn = false;
   if(!JournalReady())
      Tell("error", "journal", "The journal MQL5\\Files\\" + JournalName() + " cannot be opened. No order is sent until it can be.");
   if(g_journal != INVALID_HANDLE && g_journal_size > JOURNAL_LARGE)
      JournalCompact();
   LookAtBook();
   if(!EventSetMillisecondTimer(InpTimer < 10 ? 10 : InpTimer))
     {
      Print("FX Executor: the terminal gives no timer; remove the Expert Advisor and put it on the chart again.");
      return INIT_FAILED;
     }
   return INIT_SUCCEEDED;
  }

void OnDeinit(const int reason)
  {
   EventKillTimer();
   bool again = reason == REASON_CHARTCHANGE || reason == REASON_PARAMETERS || reason == REASON_RECOMPILE || reason == REASON_TEMPLATE;
   Bye(reason == REASON_ACCOUNT ? "account" : (again ? "reload" : "shutdown"));
   if(g_journal != INVALID_HANDLE)
      FileClose(g_journal);
   g_journal = INVALID_HANDLE;
  }

void OnTimer()
  {
   Work(InpWait);
   TakeRiskOff();
  }

void OnTick()
  {
   Work(0);
  }

//--- a hint that something changed; what is true, a snapshot says
void OnTradeTransaction(const MqlTradeTransaction &trans, const MqlTradeRequest &request, const MqlTradeResult &result)
  {
   g_rev++;
   if(!Up())
      return;
   string sym = trans.symbol;
   int d = Blank(sym) ? 5 : PriceDigits(sym);
   bool answer = trans.type == TRADE_TRANSACTION_REQUEST;
   Line("TXN", Txt("type", TransactionName(trans.type)) + Int("order", (long)(answer ? result.order : trans.order)) +
        Int("deal", (long)(answer ? result.deal : trans.deal)) + Int("pos", (long)trans.position) + Int("pos_by", (long)trans.position_by) +
        Txt("sym", sym) + Txt("otype", OrderTypeName(trans.order_type)) + Txt("state", OrderStateName(trans.order_state)) +
        Txt("dtype", DealTypeName(trans.deal_type)) + Any("vol", trans.volume) + Num("price", trans.price, d) +
        Num("sl", trans.price_sl, d) + Num("tp", trans.price_tp, d) + Int("retcode", answer ? (long)result.retcode : 0) +
        Int("reqid", answer ? (long)result.request_id : 0) + Int("magic", answer ? (long)request.magic : 0));
   Flush();
  }
//+------------------------------------------------------------------+
