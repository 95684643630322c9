/* Stands in for the Expert Advisor on Windows' real named pipe: opens it as MQL5's FileOpen does, greets, proves the secret and
 * answers what the link asks before it is up, and a little more (docs/metatrader-link.md). It trades nothing.
 *
 *   ea.exe LINK.TXT VERSION good|wrong|name
 *
 * good: says "up" once it is served and stays until a file "end" appears beside link.txt; wrong: proves with another secret; name: looks
 * at the pipe's access list. A BYE is said as "bye REASON". */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <windows.h>
#include <aclapi.h>
#include <bcrypt.h>

static char pipe_name[128], secret[128], version[32], expected[65], sent[1 << 16];
static HANDLE pipe_file;
static unsigned long long sequence;

static void fail(const char *what) {
    printf("failed %s (%lu)\n", what, GetLastError());
    exit(1);
}

static void read_link(const char *path) {
    char line[256];
    FILE *file = fopen(path, "rb");
    if (!file) fail("link.txt");
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!strncmp(line, "pipe=", 5)) strcpy(pipe_name, line + 5);
        if (!strncmp(line, "secret=", 7)) strcpy(secret, line + 7);
    }
    fclose(file);
    if (!*pipe_name || strlen(secret) != 64) fail("what link.txt says");
}

static void mac_of(const char *text, char *hex) {
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_HASH_HANDLE hash;
    UCHAR mac[32];
    if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, BCRYPT_ALG_HANDLE_HMAC_FLAG) ||
        BCryptCreateHash(algorithm, &hash, NULL, 0, (PUCHAR)secret, strlen(secret), 0) ||
        BCryptHashData(hash, (PUCHAR)text, strlen(text), 0) || BCryptFinishHash(hash, mac, sizeof mac, 0))
        fail("HMAC");
    for (int at = 0; at < 32; at++) sprintf(hex + 2 * at, "%02x", mac[at]);
}

/* A line: its type, then fields separated by tabs. */
static void say(const char *type, const char *fields, ...) {
    int length = sprintf(sent, "%s\tq=%llu\tt=%llu", type, ++sequence, (unsigned long long)GetTickCount64() * 1000);
    va_list values;
    DWORD written;
    if (*fields) {
        sent[length++] = '\t';
        va_start(values, fields);
        length += vsprintf(sent + length, fields, values);
        va_end(values);
    }
    sent[length++] = '\n';
    if (!WriteFile(pipe_file, sent, length, &written, NULL) || written != (DWORD)length) fail("writing");
}

static const char *get(const char *line, const char *key) {
    static char value[512];
    char wanted[32];
    sprintf(wanted, "\t%s=", key);
    const char *at = strstr(line, wanted);
    *value = 0;
    if (at) {
        at += strlen(wanted);
        size_t length = strcspn(at, "\t");
        if (length >= sizeof value) fail("a long value");
        memcpy(value, at, length);
        value[length] = 0;
    }
    return value;
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000abc"
#define FLAGS "connected=1\talgo=1\texpert=1\taccount_ok=1\texpert_ok=1\tdll=0"

static void greet(void) {
    say("HELLO",
        "proto=1\tea=%s\tbuild=5200\tterm=ab12\tpath=C:\\\\MT5\tlogin=5012345\tserver=Demo-1\tcompany=Broker Ltd\tccy=USD\t"
        "digits=2\tmargin=hedging\tleverage=100\tkind=demo\tnonce=" ZEROS "\trole=main\tlink=pipe\t" FLAGS,
        version);
}

static void tell_facts(void) {
    say("ACC", "balance=10000\tequity=10000\tmargin=0\tfree=10000\tlevel=0\tcredit=0\tprofit=0\tso_mode=percent\tso_call=50\tso_so=20");
    say("FLAGS", FLAGS "\tlogin=5012345");
    say("TIME", "server_ms=%lld\tgmt_ms=%lld\toffset_s=7200\ttick_ms=0", (time(NULL) + 7200) * 1000LL, time(NULL) * 1000LL);
}

static void answer(const char *line) {
    char id[64], text[512], mac[65];
    strcpy(id, get(line, "id"));
    if (!strncmp(line, "BYE\t", 4)) {
        printf("bye %s\n", get(line, "reason"));
        exit(0);
    } else if (!strncmp(line, "CHAL\t", 5)) {
        sprintf(text, "ea|" ZEROS "|%s|5012345|Demo-1|1", get(line, "nonce"));
        mac_of(text, mac);
        say("AUTH", "mac=%s", mac);
        sprintf(text, "ex|%s|" ZEROS, get(line, "nonce"));
        mac_of(text, expected);
    } else if (!strncmp(line, "OK\t", 3)) {
        if (strcmp(get(line, "mac"), expected)) fail("the program's proof");
        tell_facts();
    } else if (!strncmp(line, "SYMS\t", 5)) {
        say("SYM",
            "id=%s\tname=EURUSD\tpath=Forex\\\\EURUSD\tdesc=Euro\tdigits=5\tpoint=0.00001\ttick_size=0.00001\ttick_value=1\t"
            "tick_value_profit=1\ttick_value_loss=1\tcontract=100000\tvmin=0.01\tvmax=100\tvstep=0.01\tvlimit=0\tstops=10\tfreeze=0\t"
            "exe=market\tfill=3\torders=127\texp=15\tgtc=0\tmode=full\tcalc=0\tbase=EUR\tprofit=USD\tmargin=EUR\tswap_long=0\t"
            "swap_short=0\tm1lot=1100\ttsess=\tqsess=",
            id);
        say("END", "id=%s\tn=1", id);
    } else if (!strncmp(line, "SNAP\t", 5)) {
        say("ACC", "id=%s\tbalance=10000\tequity=10000\tmargin=0\tfree=10000", id);
        say("END", "id=%s\tn=0\tnpos=0\tnord=0\trev=1", id);
        static int told;
        if (!told++) printf("up\n");
        fflush(stdout);
    } else if (!strncmp(line, "HIST\t", 5) || !strncmp(line, "SUB\t", 4) || !strncmp(line, "UNSUB\t", 6)) {
        say("END", "id=%s\tn=0", id);
    } else if (!strncmp(line, "RATES\t", 6)) {
        long long from = atoll(get(line, "from")), count = atoll(get(line, "count"));
        long long last = (time(NULL) + 7200) / 60 * 60 - 60 * (from + 1);
        for (long long bar = count - 1; bar >= 0; bar--)
            say("RATE", "id=%s\ttime=%lld\to=1.1\th=1.1002\tl=1.0999\tc=1.1001\ttv=10\tsp=2\trv=0", id, last - 60 * bar);
        say("END", "id=%s\tn=%lld\tsynced=1\tmore=1", id, count);
    } else if (!strncmp(line, "PING\t", 5)) {
        strcpy(text, get(line, "x"));
        say("PONG", "id=%s\tx=%s", id, text);
    } else if (!strncmp(line, "HB\t", 3)) {
        say("HB", "n=1\tack=%s", get(line, "n"));
    } else if (!strncmp(line, "CHECK\t", 6)) {
        say("RES", "id=%s\tcid=%s\tok=1\tretcode=0\tstage=done\tfree=9000", id, get(line, "cid"));
    } else if (!strncmp(line, "FIND\t", 5)) {
        say("FOUND", "id=%s\tcid=%s\twhere=none\tfrom_ms=0\tto_ms=9999999999999\tsync=1", id, get(line, "cid"));
    } else {
        say("ERR", "id=%s\tcode=-1\ttext=not in this stand-in", id);
    }
}

/* How many the pipe admits. */
static void look_from_outside(void) {
    PACL list = NULL;
    PSECURITY_DESCRIPTOR descriptor;
    DWORD error = GetSecurityInfo(pipe_file, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &list, NULL, &descriptor);
    printf("entries: %d (%lu)\n", error || !list ? -1 : list->AceCount, error);
    exit(0);
}

int main(int count, char **words) {
    char path[160], end[MAX_PATH], buffer[1 << 16], *line, *stop;
    size_t kept = 0;
    if (count != 4) return 2;
    strcpy(version, words[2]);
    read_link(words[1]);
    if (!strcmp(words[3], "wrong")) secret[0] = secret[0] == 'a' ? 'b' : 'a';
    sprintf(path, "\\\\.\\pipe\\%s", pipe_name);
    pipe_file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (pipe_file == INVALID_HANDLE_VALUE) fail("opening the pipe");
    if (!strcmp(words[3], "name")) look_from_outside();
    strcpy(end, words[1]);
    strcpy(strrchr(end, '\\') + 1, "end");
    greet();
    for (ULONGLONG began = GetTickCount64(); GetTickCount64() - began < 120000;) {
        DWORD there = 0, got = 0;
        if (!PeekNamedPipe(pipe_file, NULL, 0, NULL, &there, NULL)) fail("the link");
        if (!there) {
            if (GetFileAttributesA(end) != INVALID_FILE_ATTRIBUTES) {
                say("BYE", "reason=shutdown");
                FlushFileBuffers(pipe_file);
                return 0;
            }
            Sleep(1);
            continue;
        }
        if (there > sizeof buffer - 1 - kept) there = sizeof buffer - 1 - kept;
        if (!ReadFile(pipe_file, buffer + kept, there, &got, NULL)) fail("reading");
        kept += got;
        buffer[kept] = 0;
        for (line = buffer; (stop = strchr(line, '\n')); line = stop + 1) {
            *stop = 0;
            answer(line);
        }
        kept -= line - buffer;
        memmove(buffer, line, kept);
    }
    fail("nobody ended it");
}
