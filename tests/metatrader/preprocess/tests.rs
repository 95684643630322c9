use super::{Refusal, defines, translate};

/// The translation without its `#line`.
fn cpp(source: &str) -> String {
    let text =
        translate(source, "x.mq5").unwrap_or_else(|refusals| panic!("refused: {refusals:?}"));
    text.strip_prefix("#line 1 \"x.mq5\"\n").unwrap().to_owned()
}

fn refused(source: &str) -> Vec<Refusal> {
    translate(source, "x.mq5").expect_err("this must be refused")
}

#[test]
fn each_rewrite() {
    for (mql, expected) in [
        ("string s = \"a\" + \"b\";", "string s = \"a\"_S + \"b\"_S;"),
        ("if(c == '\\n') x();", "if(c == ushort(u'\\n')) x();"),
        (
            "datetime d = D'2024.02.29 10:00';",
            "datetime d = MqlDate(\"2024.02.29 10:00\");",
        ),
        ("color c = C'1,2,3';", "color c = MqlColor(1,2,3);"),
        (
            "void F(const uchar &a[], int n) {}",
            "void F(const MqlArr<uchar> &a, int n) {}",
        ),
        ("uchar a[];", "MqlArr<uchar> a;"),
        ("static long a[8];", "static MqlFix<long,8> a;"),
        (
            "double a[], b[3], c;",
            "MqlArr<double> a; MqlFix<double,3> b; double c;",
        ),
        (
            "const string N[] = {\"x\", \"y\"};",
            "const MqlArr<string> N = {\"x\"_S, \"y\"_S};",
        ),
        ("int z[4] = {};", "MqlFix<int,4> z = {int()};"),
        ("int v = f(1, 2), a[];", "int v = f(1, 2); MqlArr<int> a;"),
        (
            "struct S { string f[]; int n; };",
            "struct S { MqlArr<string> f; int n; };",
        ),
        ("a[i] = b[j] + 1;", "a[i] = b[j] + 1;"),
        ("return a[0];", "return a[0];"),
        ("#property strict\nint x;", "\nint x;"),
        (
            "#define NAME \"n\"\nuchar a[];",
            "#define NAME \"n\"_S\nMqlArr<uchar> a;",
        ),
        ("input group \"Link\"\nint x;", " \nint x;"),
        (
            "input int InpTimer = 10; // ms",
            "static int in_InpTimer = 10; static const int &InpTimer = in_InpTimer; static MqlInput set_InpTimer(\"InpTimer\", in_InpTimer); // ms",
        ),
    ] {
        assert_eq!(cpp(mql).trim_start(), expected.trim_start(), "{mql}");
    }
}

#[test]
fn text_and_comments_are_no_code() {
    let source = "// uchar a[]; new delete ->\n/* int b[][2]; */ string s = \"int a[]; // -> new\"; int n = 1;";
    assert_eq!(cpp(source), source.replace("new\";", "new\"_S;"));
}

#[test]
fn lines_stay_where_they_are() {
    let source = "#property version \"1\"\n\ndouble a[],\n       b[2],\n       c;\ninput group \"G\"\nint last;\n";
    let translated = cpp(source);
    assert_eq!(
        translated.matches('\n').count(),
        source.matches('\n').count()
    );
    assert!(translated.lines().nth(6).unwrap().contains("int last;"));
    assert!(translated.lines().nth(4).unwrap().contains("double c;"));
}

#[test]
fn each_refusal_names_its_line() {
    for (source, part) in [
        ("\n#import \"x.dll\"\n", "#import"),
        ("\n#include <Trade.mqh>\n", "#include"),
        ("\n#if 1\n#endif\n", "#if"),
        ("\nint *p = new Thing;\n", "new"),
        ("\np->x = 1;\n", "->"),
        ("\nthis.x = 1;\n", "this."),
        ("\nauto x = 1;\n", "auto"),
        (
            "\ntemplate<typename T> T f(T x) { return x; }\n",
            "template",
        ),
        ("\nunsigned x;\n", "unsigned"),
        ("\nlong long x;\n", "two words"),
        ("\nint x = 5u;\n", "suffix"),
        ("\nint m[2][3];\n", "more dimensions"),
        ("\nint m = a[1][2];\n", "more dimensions"),
        ("\nvoid f(int a[]) {}\n", "form of an array"),
        ("\nint a[2 + 1];\n", "size of an array"),
        ("\nstring s = \"\\x41\";\n", "subset"),
        ("\nstring s = \"open;\n", "does not end"),
        ("\nint c = 'ab';\n", "one character"),
        ("\ninput int a = 1, b = 2;\n", "one input"),
        ("\ninput int a;\n", "has a value"),
        ("\nx = ::f();\n", "leading ::"),
        ("\nPrint(EnumToString(x));\n", "EnumToString"),
        ("\n/* open\n", "does not end"),
    ] {
        let refusals = refused(source);
        assert_eq!(refusals[0].line, 2, "{source}: {refusals:?}");
        assert!(
            refusals.iter().any(|refusal| refusal.why.contains(part)),
            "{source}: {refusals:?}"
        );
    }
}

#[test]
fn handlers_are_found_by_their_definition() {
    let source = "int OnInit() { return 0; }\n// void OnTick() {}\nvoid F() { OnTimer(); }\n";
    assert!(defines(source, "OnInit"));
    assert!(!defines(source, "OnTick"));
    assert!(!defines(source, "OnTimer"));
}
