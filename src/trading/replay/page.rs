//! The page that a trader reads after a replay: one file, nothing loaded from anywhere.

use super::chart::{self, Line, put};
use super::overview::{Mark, Step};
use super::report::Report;
use super::run::Replay;
use super::tally::Results;
use crate::market::number_of;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b2330;--soft:#667085;--line:#d8dde5;--paper:#fff;--good:#0a7d4f;--bad:#c0392b;--blue:#1f5fbf}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#333b48;--paper:#141922;--good:#3ecf8e;--bad:#ff7a6b;--blue:#7aa9f7}}\
body{margin:2rem auto;max-width:62rem;padding:0 1rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
p,li{max-width:46rem}.soft{color:var(--soft)}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
td,th{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right}td:first-child,th:first-child{text-align:left}\
svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:var(--soft)}svg path{fill:none}\
.grid{stroke:var(--line)}.equity{stroke:var(--blue);stroke-width:1.5}.fall{stroke:var(--bad)}.area{stroke:none;opacity:.15}\
svg .equity.area{fill:var(--blue)}svg .fall.area{fill:var(--bad)}\
.wick{stroke:var(--soft);stroke-width:.6}svg .rising{fill:var(--good);opacity:.55}svg .falling{fill:var(--bad);opacity:.55}\
.won{stroke:var(--good);stroke-width:1.5}.lost{stroke:var(--bad);stroke-width:1.5}svg .buy{fill:var(--blue)}svg .sell{fill:#b26a00}\
.good{color:var(--good)}.bad{color:var(--bad)}";

/// The whole page.
pub fn page(report: &Report, replay: &Replay) -> String {
    let mut html = String::with_capacity(1 << 18);
    let title = escaped(&format!(
        "{} on {} {}",
        report.strategy, report.symbol, report.timeframe
    ));
    put(
        &mut html,
        format_args!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        ),
    );
    let moment = |time: Option<jiff::Timestamp>| {
        time.map_or_else(|| "–".to_owned(), |time| time.to_string())
    };
    put(
        &mut html,
        format_args!(
            "<p class=\"soft\">{} to {}, {} bars</p>\n<p>{}</p>\n",
            moment(report.from),
            moment(report.to),
            report.history.bars,
            escaped(&report.plan)
        ),
    );
    list(&mut html, "Not followed", &report.skipped);
    results(&mut html, report);
    charts(&mut html, report, replay);
    months(&mut html, report);
    conditions(&mut html, report);
    verdicts(&mut html, report);
    list(&mut html, "How it was reckoned", &report.assumptions);
    history(&mut html, report);
    html.push_str("</body></html>\n");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn list(html: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    put(html, format_args!("<h2>{title}</h2>\n<ul>\n"));
    for item in items {
        put(html, format_args!("<li>{}</li>\n", escaped(item)));
    }
    html.push_str("</ul>\n");
}

fn table(html: &mut String, title: &str, head: &[&str], rows: &[Vec<String>]) {
    put(html, format_args!("<h2>{title}</h2>\n<table><tr>"));
    for cell in head {
        put(html, format_args!("<th>{cell}</th>"));
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            put(html, format_args!("<td>{}</td>", escaped(cell)));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{:.1} %", part as f64 / whole as f64 * 100.0)
}

fn results(html: &mut String, report: &Report) {
    let class = if report.results.net.is_sign_negative() {
        "bad"
    } else {
        "good"
    };
    put(
        html,
        format_args!(
            "<h2>Result</h2>\n<p class=\"{class}\">{}; balance {} to {}</p>\n",
            escaped(&report.headline()),
            report.balance_before,
            report.balance_after
        ),
    );
    let line = |name: &str, own: &Results| {
        let factor = own
            .profit_factor()
            .map_or_else(|| "–".to_owned(), |own| own.to_string());
        vec![
            name.to_owned(),
            own.positions.to_string(),
            percent(own.won, own.positions),
            own.net.to_string(),
            factor,
            own.best.to_string(),
            own.worst.to_string(),
            own.most_lost_in_a_row.to_string(),
            own.commission.to_string(),
        ]
    };
    let head = [
        "",
        "Positions",
        "Won",
        "Net",
        "Won per lost",
        "Best",
        "Worst",
        "Lost in a row",
        "Commission",
    ];
    let rows = [
        line("All", &report.results),
        line("Buy", &report.buys),
        line("Sell", &report.sells),
    ];
    table(html, "Positions", &head, &rows);
    let rows: Vec<Vec<String>> = report
        .exits
        .iter()
        .map(|(reason, count)| vec![reason.words().to_owned(), count.to_string()])
        .collect();
    table(html, "Closed by", &["", "Deals"], &rows);
    put(
        html,
        format_args!(
            "<p class=\"soft\">A position was open at the close of {} of the bars.</p>\n",
            percent(report.bars_in_market, report.history.bars)
        ),
    );
}

fn charts(html: &mut String, report: &Report, replay: &Replay) {
    let overview = &replay.overview;
    let decimals = replay.settings().terms.spec.digits as usize;
    let base = number_of(report.balance_before);
    put(
        html,
        format_args!(
            "<h2>Equity</h2>\n{}\n<h2>Below the highest equity</h2>\n{}\n",
            chart::curve(&overview.steps, Line::Equity, base),
            chart::curve(&overview.steps, Line::Fall, 0.0)
        ),
    );
    let shown = match overview.one_of {
        1 => "all positions".to_owned(),
        many => format!("one of {many} positions"),
    };
    put(
        html,
        format_args!(
            "<h2>Prices, {shown}</h2>\n{}\n",
            chart::prices(&overview.steps, &overview.marks, "Prices", decimals)
        ),
    );
    let last: Vec<Step> = overview
        .last_bars()
        .iter()
        .map(|bar| Step {
            from: bar.time.as_second(),
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            equity: 0.0,
            fall: 0.0,
        })
        .collect();
    let marks: Vec<Mark> = overview.last_marks.iter().copied().collect();
    put(
        html,
        format_args!(
            "<h2>The last {} bars</h2>\n{}\n",
            last.len(),
            chart::prices(&last, &marks, "The last bars", decimals)
        ),
    );
}

fn months(html: &mut String, report: &Report) {
    let rows: Vec<Vec<String>> = report
        .months
        .iter()
        .map(|month| {
            vec![
                month.month.clone(),
                month.positions.to_string(),
                percent(month.won, month.positions),
                month.net.to_string(),
                month.balance.to_string(),
            ]
        })
        .collect();
    let head = ["Month", "Positions", "Won", "Net", "Balance"];
    table(html, "Months (UTC)", &head, &rows);
}

fn conditions(html: &mut String, report: &Report) {
    let rows: Vec<Vec<String>> = report
        .conditions
        .iter()
        .map(|row| {
            vec![
                format!("{} {}: {}", row.side.name(), row.alternative + 1, row.text),
                percent(row.count.held, report.bars_decided),
                row.count.alone_missing.to_string(),
                row.count.unknown.to_string(),
            ]
        })
        .collect();
    let head = ["Condition", "Held", "Alone missing", "Unknown"];
    table(html, "Conditions", &head, &rows);
    put(
        html,
        format_args!(
            "<p class=\"soft\">Of {} bars after the warm-up. Conditions with the same number must hold together; \"alone missing\" counts the bars at which all others of its number held.</p>\n",
            report.bars_decided
        ),
    );
}

fn verdicts(html: &mut String, report: &Report) {
    let verdicts = &report.verdicts;
    let mut rows = vec![
        ("warming up".to_owned(), verdicts.warming_up),
        ("no condition held".to_owned(), verdicts.no_condition),
        (
            "a condition could not be known".to_owned(),
            verdicts.unknown,
        ),
        ("both directions held".to_owned(), verdicts.both_ways),
        (
            "a position was open already".to_owned(),
            verdicts.already_open,
        ),
        (
            "as many positions as allowed were open".to_owned(),
            verdicts.most_open,
        ),
    ];
    for (name, count) in report.filters.iter().zip(&verdicts.filtered) {
        rows.push((format!("the {name} filter did not let it pass"), *count));
    }
    let last = verdicts.last_refusal.as_ref();
    let refused = last.map_or_else(
        || "not opened for another reason".to_owned(),
        |why| format!("not opened for another reason (the last one: {why})"),
    );
    rows.push((refused, verdicts.refused));
    rows.push(("opened".to_owned(), verdicts.opened));
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| vec![name, count.to_string()])
        .collect();
    table(html, "What became of each bar", &["", "Bars"], &rows);
}

fn history(html: &mut String, report: &Report) {
    let own = &report.history;
    put(
        html,
        format_args!(
            "<h2>The history</h2>\n<p>{} bars; {} came twice; {} weekends; {} other gaps, the longest of {} minutes.</p>\n",
            own.bars, own.duplicates, own.weekends, own.gaps, own.longest_gap_minutes
        ),
    );
    let gaps: Vec<String> = own
        .first_gaps
        .iter()
        .map(|gap| format!("no bars from {} to {}", gap.from, gap.to))
        .collect();
    list(html, "The first gaps", &gaps);
    list(html, "Files not used", &report.unused_files);
}
