//! The shim's own semantics, asked by small Expert Advisors of the tests: what MQL5 promises about text, arrays, files and events
//! is what they find. Each prints lines; a test compares them.

use std::time::Duration;

use crate::compile::{self, Build};
use crate::emulated::{Emulated, Folders, Options, SOON};

/// Runs `body` as OnInit of an Expert Advisor and gives what it printed.
fn printed(body: &str) -> Vec<String> {
    let terminal = Emulated::start(Folders::new(), Options::default().text(expert(body, "")));
    terminal.await_line("init 0", SOON);
    terminal.logs()
}

fn expert(body: &str, rest: &str) -> String {
    format!(
        "#property strict\n{rest}\nint OnInit()\n  {{\n{body}\n   return INIT_SUCCEEDED;\n  }}\n"
    )
}

#[test]
fn an_error_points_to_the_line_of_the_mq5() {
    let source = "#property strict\n\nint OnInit()\n  {\n   int x = \"text\";\n   return 0;\n  }\n";
    let said = compile::module_of(source, "/made/up/Wrong.mq5", Build::Fast).unwrap_err();
    assert!(said.contains("/made/up/Wrong.mq5:5:"), "{said}");
    let said = compile::module_of(
        "int OnInit() { return NotThere(); }",
        "Wrong.mq5",
        Build::Fast,
    )
    .unwrap_err();
    assert!(said.contains("Wrong.mq5:1:"), "{said}");
    let said = compile::module_of("\n\nint x = 1 -> 2;", "Wrong.mq5", Build::Fast).unwrap_err();
    assert!(said.starts_with("Wrong.mq5:3:"), "{said}");
}

#[test]
fn text_follows_the_reference() {
    let lines = printed(
        r#"
   string parts[];
   int n = StringSplit("a\t\tb\t", '\t', parts);
   Print(n, "|", parts[1], "|", parts[2], "|", parts[3]);
   n = StringSplit("x", '\t', parts);
   Print(n, " ", StringSplit("", '\t', parts));
   string s = "a-b-c";
   n = StringReplace(s, "-", "+-");
   Print(n, " ", s);
   Print(StringFind("abcabc", "c", 3), " ", StringFind("abc", "x"), " ", StringSubstr("abc", 1), " ", StringSubstr("abc", 1, 1), "|", StringSubstr("abc", 9), "|");
   Print(StringFormat("%05.1f|%-4s|%I64d|%u|%%|%x|%c", 2.25, "ab", (long)-5, 7, 255, 'z'));
   Print(DoubleToString(1.005, 2), " ", DoubleToString(0.1), " ", DoubleToString(-0.00001, 2), " ", IntegerToString(42, 5, '0'));
   Print(StringToInteger("  -12x"), " ", StringToInteger("x"), " ", StringToDouble("1.5e1z"), " ", StringToDouble("0x10"));
   uchar b[];
   n = StringToCharArray("é", b, 0, WHOLE_ARRAY, CP_UTF8);
   Print(n, " ", ArraySize(b), " ", (int)b[0], " ", (int)b[2]);
   ArrayResize(b, 10);
   n = StringToCharArray("x", b);
   Print(n, " ", ArraySize(b), " ", StringLen(CharArrayToString(b)));
   uchar bad[] = {65, 255, 66};
   string u = CharArrayToString(bad, 0, WHOLE_ARRAY, CP_UTF8);
   Print(StringLen(u), " ", (int)u[1]);
   string empty = "", none;
   Print(empty == NULL, " ", none == NULL, " ", StringLen(none), " ", StringTrimLeft(empty));
   Print(TimeToString(D'2024.02.29 10:20:30', TIME_DATE | TIME_SECONDS), " ", (long)StringToTime("1970.01.02 00:00"));
   Print(StringCompare("a", "B", false) < 0, " ", ShortToString(0x20AC), " ", NormalizeDouble(1.23456, 2));
"#,
    );
    assert_eq!(
        lines,
        [
            "4||b|",
            "1 0",
            "2 a+-b+-c",
            "5 -1 bc b||",
            "002.2|ab  |-5|7|%|ff|z",
            "1.00 0.10000000 -0.00 00042",
            "-12 0 15 0",
            "3 3 195 0",
            "2 10 1",
            "3 65533",
            "0 1 0 0",
            "2024.02.29 10:20:30 86400",
            "1 € 1.23",
        ]
    );
}

#[test]
fn arrays_keep_their_bounds_and_their_direction() {
    let lines = printed(
        r#"
   int a[] = {1, 2, 3}, f[2];
   bool fixed_turns = ArraySetAsSeries(f, true);
   ArraySetAsSeries(a, true);
   Print(a[0], " ", a[2], " ", ArrayGetAsSeries(a), " ", fixed_turns);
   ArraySetAsSeries(a, false);
   ArrayResize(a, 5);
   Print(ArraySize(a), " ", a[3] != 0, " ", ArrayResize(f, 9));
   int b[];
   int n = ArrayCopy(b, a, 2, 1, 2);
   Print(n, " ", ArraySize(b), " ", b[2], b[3]);
   ArrayRemove(b, 0, 3);
   Print(ArraySize(b), " ", b[0]);
   MqlRates r[];
   ArraySetAsSeries(r, true);
   n = CopyRates("EURUSD", PERIOD_M1, 0, 3, r);
   Print(n, " ", r[0].time > r[1].time, " ", r[1].time > r[2].time);
"#,
    );
    assert_eq!(lines, ["3 1 1 0", "5 1 -1", "2 4 23", "1 3", "3 1 1"]);
}

#[test]
fn a_misuse_ends_the_expert_advisor_with_its_reason() {
    for (body, reason) in [
        (
            "int a[]; ArrayResize(a, 3); Print(a[3]);",
            "array out of range: index 3 of 3",
        ),
        ("Print(StringFormat(\"%d\", (long)5));", "needs %I64d"),
        ("Print(StringFormat(\"%s\", 5));", "%s needs a string"),
        (
            "string s = \"ab\"; Print((int)s[2]);",
            "string index out of range",
        ),
    ] {
        let mut terminal =
            Emulated::start(Folders::new(), Options::default().text(expert(body, "")));
        assert_eq!(terminal.await_death(SOON).code(), Some(86), "{body}");
        terminal.await_line(reason, Duration::from_secs(5));
    }
}

#[test]
fn hashes_are_right() {
    let lines = printed(
        r#"
   uchar data[], key[], out[];
   StringToCharArray("abc", data); ArrayResize(data, 3);
   int n = CryptEncode(CRYPT_HASH_SHA256, data, key, out);
   Print(n, " ", (int)out[0], " ", (int)out[31]);
   CryptEncode(CRYPT_BASE64, data, key, out);
   Print(CharArrayToString(out));
   ArrayResize(data, 2);
   CryptEncode(CRYPT_BASE64, data, key, out);
   Print(CharArrayToString(out));
"#,
    );
    assert_eq!(lines, ["32 186 173", "YWJj", "YWI="]);
}

const WRITER: &str = r#"
   int h = FileOpen("journal.txt", FILE_READ | FILE_WRITE | FILE_BIN | FILE_SHARE_READ);
   FileSeek(h, 0, SEEK_END);
   uchar a[] = {'A', '\n'}, b[] = {'B', '\n'};
   FileWriteArray(h, a);
   FileFlush(h);
   FileWriteArray(h, b);
   Print("written ", FileSize(h));
"#;

#[test]
fn a_kill_takes_what_was_not_flushed() {
    let mut terminal = Emulated::start(Folders::new(), Options::default().text(expert(WRITER, "")));
    terminal.await_line("written 4", SOON);
    terminal.kill9();
    let file = terminal.folders.files().join("journal.txt");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "A\n");
    terminal.restart();
    terminal.await_line("written 6", SOON);
    terminal.close();
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "A\nA\nB\n",
        "a clean end writes everything"
    );
}

#[test]
fn files_follow_the_reference() {
    let lines = printed(
        r#"
   int h = FileOpen("no.txt", FILE_READ | FILE_TXT);
   Print(h, " ", GetLastError());
   h = FileOpen("../up.txt", FILE_WRITE | FILE_TXT);
   Print(h, " ", GetLastError());
   h = FileOpen("dir\\a.txt", FILE_WRITE | FILE_TXT | FILE_ANSI, 0, CP_UTF8);
   FileWriteString(h, "proto=1\r\nname=é\n");
   int second = FileOpen("dir\\a.txt", FILE_READ | FILE_TXT);
   Print(second, " ", GetLastError());
   FileClose(h);
   h = FileOpen("dir\\a.txt", FILE_READ | FILE_TXT | FILE_ANSI, 0, CP_UTF8);
   string one = FileReadString(h);
   string two = FileReadString(h);
   Print(one, "|", two, "|", FileIsEnding(h));
   FileClose(h);
   h = FileOpen("wide.txt", FILE_WRITE | FILE_TXT);
   FileWriteString(h, "ab");
   FileClose(h);
   h = FileOpen("wide.txt", FILE_READ | FILE_BIN);
   uchar bytes[];
   uint got = FileReadArray(h, bytes);
   Print(got, " ", (int)bytes[0], " ", (int)bytes[2]);
   FileClose(h);
   bool before = FileIsExist("wide.txt"), deleted = FileDelete("wide.txt");
   Print(before, deleted, FileIsExist("wide.txt"), " ", FileIsExist("link.txt", FILE_COMMON));
   h = FileOpen("part.bin", FILE_READ | FILE_WRITE | FILE_BIN);
   uchar four[] = {1, 2, 3, 4};
   FileWriteArray(h, four, 1, 2);
   FileSeek(h, -1, SEEK_CUR);
   ulong at = FileTell(h);
   got = FileReadArray(h, bytes, 0, 9);
   Print(at, " ", got, " ", (int)bytes[0]);
"#,
    );
    assert_eq!(
        lines,
        [
            "-1 5004",
            "-1 5002",
            "-1 5004",
            "proto=1|name=é|1",
            "6 255 97",
            "110 0",
            "1 1 3"
        ]
    );
}

const COUNTER: &str = r#"
int g_timers = 0, g_ticks = 0, g_txns = 0;
ulong g_first = 0;
void OnTimer() { g_timers++; if(g_timers == 1) g_first = GetTickCount64(); if(g_timers == 21) Print("twenty periods ", GetTickCount64() - g_first); }
void OnTick() { g_ticks++; Print("tick ", g_ticks); ulong until = GetTickCount64() + 100; while(GetTickCount64() < until) { } }
void OnTradeTransaction(const MqlTradeTransaction &t, const MqlTradeRequest &q, const MqlTradeResult &r) { g_txns++; }
void OnDeinit(const int reason) { Print("deinit ", reason, " ticks ", g_ticks); }
"#;

#[test]
fn a_timer_is_never_faster_than_ten_milliseconds() {
    let terminal = Emulated::start(
        Folders::new(),
        Options::default().text(expert("EventSetMillisecondTimer(1);", COUNTER)),
    );
    let line = terminal.await_line("twenty periods", SOON);
    let took: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(took >= 190, "twenty periods took {took} ms");
}

#[test]
fn a_waiting_tick_or_timer_is_not_queued_again() {
    let terminal = Emulated::start(
        Folders::new(),
        Options::default().text(expert("EventSetMillisecondTimer(10);", COUNTER)),
    );
    terminal.await_line("init 0", SOON);
    terminal.cmd("tick");
    terminal.await_line("tick 1", SOON);
    let timers = terminal.stat("timers");
    for _ in 0..50 {
        terminal.cmd("tick");
    }
    terminal.await_line("tick 2", SOON);
    terminal.cmd("sync 5000");
    assert_eq!(
        terminal.stat("ticks"),
        2,
        "fifty ticks during one handler are one event"
    );
    assert!(
        terminal.stat("timers") - timers <= 22,
        "the timer does not catch up"
    );
}

#[test]
fn the_queue_holds_1024_transactions_and_drops_the_rest() {
    let terminal = Emulated::start(Folders::new(), Options::default().text(expert("", COUNTER)));
    terminal.await_line("init 0", SOON);
    terminal.cmd("tick");
    terminal.await_line("tick 1", SOON);
    terminal.cmd("flood 1500");
    terminal.sync();
    assert_eq!(
        (terminal.stat("transactions"), terminal.stat("dropped")),
        (1024, 476)
    );
}

#[test]
fn what_keeps_the_variables_and_what_does_not() {
    let terminal = Emulated::start(
        Folders::new(),
        Options::default().text(expert("", &format!("input int InpX = 1;\n{COUNTER}"))),
    );
    terminal.await_line("init 0", SOON);
    terminal.cmd("tick");
    terminal.await_line("tick 1", SOON);
    terminal.cmd("chart");
    terminal.await_line("deinit 3 ticks 1", SOON);
    terminal.cmd("params InpX=2");
    terminal.await_line("deinit 5 ticks 1", SOON);
    terminal.reload();
    terminal.await_line("deinit 2 ticks 1", SOON);
    terminal.cmd("account 1002 server=Other");
    terminal.cmd("login 1002");
    terminal.await_line("deinit 6 ticks 0", SOON);
}

#[test]
fn variables_of_the_terminal_are_kept_when_flushed() {
    let body = r#"
   Print(GlobalVariableCheck("a"), " ", GlobalVariableGet("a"), " ", GlobalVariableCheck("b"));
   GlobalVariableSet("a", 1.5);
   GlobalVariablesFlush();
   GlobalVariableSet("b", 2);
   Print("set");
"#;
    let mut terminal = Emulated::start(Folders::new(), Options::default().text(expert(body, "")));
    terminal.await_line("set", SOON);
    terminal.restart();
    terminal.await_line("1 1.5 0", SOON);
}

#[test]
fn a_failed_start_gets_no_events() {
    let source = "int OnInit() { EventSetMillisecondTimer(10); return INIT_FAILED; }\nvoid OnTimer() { Print(\"timer\"); }\nvoid OnDeinit(const int reason) { Print(\"deinit \", reason); }\n";
    let terminal = Emulated::start(Folders::new(), Options::default().text(source));
    terminal.await_line("init 1", SOON);
    terminal.await_line("deinit 8", SOON);
    terminal.cmd("tick");
    terminal.sync();
    assert_eq!(terminal.stat("ticks"), 0);
    assert!(!terminal.logs().contains(&"timer".to_owned()));
}

#[test]
fn inputs_are_constants_for_the_expert_advisor() {
    let source = "input int InpX = 1;\nint OnInit() { InpX = 2; return 0; }\n";
    let said = compile::module_of(source, "Inputs.mq5", Build::Fast).unwrap_err();
    assert!(said.contains("Inputs.mq5:2:"), "{said}");
}

#[test]
fn the_sanitizers_judge_the_expert_advisor_itself() {
    let body = "int n = 2147483647;\nfor(int i = 0; i < 3; i++) n += i;\nPrint(n);";
    let mut terminal = Emulated::start(Folders::new(), Options::default().text(expert(body, "")));
    assert!(
        !terminal.await_death(SOON).success(),
        "a signed overflow ends the process with a report"
    );
}
