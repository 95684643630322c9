//! Each rule can fail, and the shipped file holds them all.

use super::*;

fn expert_advisor() -> String {
    std::fs::read_to_string(EXPERT_ADVISOR).unwrap()
}

/// The rules that `text`, put at the end of the real file, breaks.
fn broken_by(text: &str) -> Vec<&'static str> {
    let whole = format!("{}\n{text}\n", expert_advisor());
    let mut rules: Vec<_> = check(&whole, env!("CARGO_PKG_VERSION"))
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    rules.dedup();
    rules
}

fn broken_when(from: &str, to: &str) -> Vec<&'static str> {
    let text = expert_advisor();
    assert_eq!(text.matches(from).count(), 1, "{from:?} must occur once");
    let mut rules: Vec<_> = check(&text.replace(from, to), env!("CARGO_PKG_VERSION"))
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    rules.dedup();
    rules
}

#[test]
fn the_expert_advisor_holds_every_rule() {
    let findings = check(&expert_advisor(), env!("CARGO_PKG_VERSION"));
    let shown: Vec<String> = findings
        .iter()
        .map(|finding| {
            format!(
                "FX-Executor.mq5:{}: {}: {}",
                finding.line, finding.rule, finding.text
            )
        })
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn what_the_subset_does_not_have_is_found() {
    for text in [
        "void X() { Thing *t = new Thing; }",
        "int g_grid[2][3];",
        "template<typename T> void X(T a) { }",
        "void X() { auto a = 1; }",
    ] {
        assert!(broken_by(text).contains(&"subset"), "{text}");
    }
}

#[test]
fn another_file_is_found() {
    for text in [
        "#import \"kernel32.dll\"",
        "#include <Trade/Trade.mqh>",
        "#resource \"x.bmp\"",
    ] {
        assert!(broken_by(text).contains(&"one file"), "{text}");
    }
}

#[test]
fn a_call_cannot_hide_behind_a_macro() {
    for text in [
        "#define SEND OrderSend",
        "#define SEND(q, r) OrderSend(q, r)",
        "#define EXTRA 0;OrderSend(g_q,g_r)",
        "#define EXTRA \"\"+Explode(\"\")",
        "#undef EA_PROTO",
        "#ifdef EA_PROTO",
    ] {
        assert!(broken_by(text).contains(&"macro"), "{text}");
    }
}

#[test]
fn a_function_is_named_only_where_it_is_called() {
    for text in [
        "void X() { MqlTradeRequest q; MqlTradeResult r; bool b = (OrderSend)(q, r); }",
        "void X() { long t = (TimeCurrent)(); }",
    ] {
        assert!(broken_by(text).contains(&"bare call"), "{text}");
    }
}

#[test]
fn nothing_hides_in_a_class_or_outside_of_functions() {
    for text in [
        "class Thing { public: void X() { Sleep(1); } };",
        "struct Thing { int a; void X() { Sleep(1); } };",
        "struct Thing { int a; Thing() { a = 1; } };",
        "struct Thing : MqlTick { int a; };",
    ] {
        assert!(broken_by(text).contains(&"plain"), "{text}");
    }
    for text in [
        "long g_start = TimeLocal();",
        "void X(long at = TimeLocal()) { }",
        "int g_grid[] = { Explode(1) };",
    ] {
        assert!(broken_by(text).contains(&"outside"), "{text}");
    }
}

#[test]
fn names_of_mql5_are_not_redefined() {
    for text in [
        "void StringTrimLeft(string s) { }",
        "int Bars = 0;",
        "void X(const int Symbol) { }",
        "#define ORDER_MAGIC 7",
    ] {
        assert_eq!(broken_by(text), ["built-in"], "{text}");
    }
}

#[test]
fn an_undocumented_constant_is_found() {
    assert_eq!(
        broken_by("int X() { return ORDER_STATE_LOST; }"),
        ["constant"]
    );
}

#[test]
fn calls_are_known_and_have_the_right_number_of_arguments() {
    assert_eq!(broken_by("void X() { Explode(1); }"), ["unknown call"]);
    assert_eq!(broken_by("void X() { FileFlush(1, 2); }"), ["arguments"]);
    assert_eq!(
        broken_by("void X() { StringSubstr(\"a,b\"); }"),
        ["arguments"]
    );
    assert_eq!(broken_by("void X() { Say(\"a\", \"b\"); }"), ["arguments"]);
    assert_eq!(
        broken_by("void X() { Print(1, 2, 3, StringSubstr(\"a,b\", 1)); Say(\"(\"); }"),
        [""; 0]
    );
}

#[test]
fn what_blocks_is_forbidden() {
    assert_eq!(broken_by("void X() { Sleep(1); }"), ["forbidden"]);
    assert_eq!(
        broken_by("void X() { MqlTick t[]; CopyTicks(\"A\", t); }"),
        ["forbidden"]
    );
}

#[test]
fn versions_are_the_programs() {
    assert_eq!(
        broken_when(
            "#property version     \"0.10\"",
            "#property version     \"0.11\""
        ),
        ["version"]
    );
    assert_eq!(
        broken_when(
            "#define EA_VERSION    \"0.1.0\"",
            "#define EA_VERSION    \"0.2.0\""
        ),
        ["version"]
    );
    assert_eq!(
        broken_when("Txt(\"ea\", EA_VERSION)", "Txt(\"ea\", \"0.1.0\")"),
        ["version"]
    );
    assert_eq!(metatrader_version("0.1.0"), "0.10");
    assert_eq!(metatrader_version("1.4.2"), "1.42");
}

#[test]
fn strict_and_a_description_are_needed() {
    assert_eq!(broken_when("#property strict\n", "\n"), ["strict"]);
    let text = expert_advisor().replace("#property description", "#property copyright");
    assert!(
        check(&text, env!("CARGO_PKG_VERSION"))
            .iter()
            .any(|finding| finding.rule == "description")
    );
}

#[test]
fn only_ascii() {
    assert_eq!(broken_by("// caf\u{e9}"), ["ascii"]);
}

#[test]
fn one_record_in_the_journal_is_one_request() {
    const SENT: &str = "   bool sent = OrderSend(req, res);\n";
    for instead in [
        "for(int k = 0; k < 3 && !sent; k++)\n sent = OrderSend(req, res);\n",
        "for(int k = 0; k < 3; k++)\n { int a = k;\n sent = OrderSend(req, res); }\n",
        "for(int k = 0; k < 3; k++)\n if(k > 5)\n k++;\n else\n sent = OrderSend(req, res);\n",
        "while(!OrderSend(req, res))\n sent = false;\n",
        "do\n sent = OrderSend(req, res);\n while(!sent);\n",
        "do { sent = false; } while(!OrderSend(req, res));\n",
    ] {
        let instead = format!("bool sent = false;\n{instead}");
        assert_eq!(broken_when(SENT, &instead), ["journal first"], "{instead}");
    }
    let after = format!("for(int k = 0; k < 3; k++)\n k++;\n{SENT}");
    assert!(broken_when(SENT, &after).is_empty());
}

#[test]
fn nothing_is_sent_past_the_journal() {
    assert_eq!(
        broken_by("void X() { MqlTradeRequest q = {}; MqlTradeResult r = {}; OrderSend(q, r); }"),
        ["journal first"]
    );
    assert_eq!(
        broken_when(
            "if(!JournalSent(o, ticket, must_journal) && must_journal)",
            "if(must_journal && false)"
        ),
        ["journal first"]
    );
    assert_eq!(
        broken_when("Line(\"BUSY\", ", "Line(\"HB\", "),
        ["journal first"]
    );
    assert_eq!(
        broken_when(
            "   FillIn(req.symbol, o);\n   JournalResult(o);\n",
            "   FillIn(req.symbol, o);\n"
        ),
        ["journal first"]
    );
}
