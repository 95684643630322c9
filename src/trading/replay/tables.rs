//! `trades.csv` and `decisions.csv`, written as the replay goes.

use std::io::{self, Write};

use jiff::tz::Offset;

use super::report::filter_name;
use super::run::{Decided, Sink};
use super::trade::Trade;
use super::verdict::Verdict;
use crate::market::Timeframe;
use crate::strategy::{Condition, Language, Operand, Plan};

/// Deals always, decisions where they are wanted.
#[derive(Debug)]
pub struct Tables<W> {
    trades: W,
    decisions: Option<DecisionTable<W>>,
}

impl<W: Write> Tables<W> {
    /// Writes the headers.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn new(mut trades: W, decisions: Option<DecisionTable<W>>) -> io::Result<Self> {
        writeln!(
            trades,
            "position,side,lots,opened_at,open_price,stop_loss,take_profit,closed_at,close_price,profit,commission,balance,exit,note,last"
        )?;
        Ok(Self { trades, decisions })
    }

    /// Writes what is still held back and gives the writers of deals and decisions.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<(W, Option<W>)> {
        self.trades.flush()?;
        let decisions = match self.decisions {
            Some(table) => Some(table.finish()?),
            None => None,
        };
        Ok((self.trades, decisions))
    }
}

impl<W: Write> Sink for Tables<W> {
    fn traded(&mut self, trade: &Trade) -> io::Result<()> {
        let target = trade
            .take_profit
            .map_or_else(String::new, |own| own.to_string());
        writeln!(
            self.trades,
            "{},{},{},{},{},{},{target},{},{},{},{},{},{},{},{}",
            trade.number,
            trade.side.name(),
            trade.volume.normalize(),
            trade.opened_at,
            trade.open_price,
            trade.stop_loss,
            trade.closed_at,
            trade.close_price,
            trade.profit,
            trade.commission,
            trade.balance,
            trade.reason.words(),
            quoted(&trade.note),
            trade.is_last
        )
    }

    fn reads_findings(&self) -> bool {
        self.decisions.is_some()
    }

    fn decided(&mut self, bar: &Decided<'_>) -> io::Result<()> {
        match &mut self.decisions {
            Some(table) => table.decided(bar),
            None => Ok(()),
        }
    }
}

/// One line for each closed bar: what was decided, each condition's truth, each value that was compared.
#[derive(Debug)]
pub struct DecisionTable<W> {
    out: W,
    /// Which condition shows a value, and on which side.
    values: Vec<(usize, Hand)>,
    filters: Vec<String>,
    line: Vec<u8>,
    day: i64,
    date: String,
}

/// A side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Left,
    Right,
}

impl<W: Write> DecisionTable<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(mut out: W, plan: &Plan) -> io::Result<Self> {
        let mut header = "bar,close,verdict,side,detail".to_owned();
        let own = plan.timeframe();
        let conditions: Vec<&Condition> = plan.conditions().map(|(_, _, own)| own).collect();
        for (at, condition) in conditions.iter().enumerate() {
            header.push_str(&format!(
                ",{}",
                quoted(&format!(
                    "{}: {}",
                    at + 1,
                    condition.words(own, Language::English)
                ))
            ));
        }
        let mut operands: Vec<Operand> = Vec::new();
        let mut values = Vec::new();
        for (at, condition) in conditions.iter().enumerate() {
            for (side, operand) in [
                (Hand::Left, Operand::of(condition.left)),
                (Hand::Right, condition.right),
            ] {
                if let Some(name) = name_of(operand, own)
                    && !operands.contains(&operand)
                {
                    operands.push(operand);
                    values.push((at, side));
                    header.push_str(&format!(",{}", quoted(&name)));
                }
            }
        }
        writeln!(out, "{header}")?;
        Ok(Self {
            out,
            values,
            filters: plan.filters().all.iter().map(filter_name).collect(),
            line: Vec::with_capacity(512),
            day: i64::MIN,
            date: String::new(),
        })
    }

    fn decided(&mut self, decided: &Decided<'_>) -> io::Result<()> {
        self.line.clear();
        self.write_time(decided.bar.time.as_second());
        self.line.push(b',');
        push_number(&mut self.line, decided.bar.close);
        self.line.push(b',');
        self.line
            .extend_from_slice(words(decided.verdict).as_bytes());
        self.line.push(b',');
        if let Some(side) = decided.verdict.side() {
            self.line.extend_from_slice(side.name().as_bytes());
        }
        self.line.push(b',');
        match decided.verdict {
            Verdict::Filtered(_, at) => {
                let name = self.filters.get(*at).map_or("", String::as_str);
                self.line.extend_from_slice(name.as_bytes());
            }
            Verdict::Refused(_, why) => self.line.extend_from_slice(quoted(why).as_bytes()),
            Verdict::Opened(_, lots) => write!(self.line, "{} lots", lots.normalize())?,
            _ => {}
        }
        for finding in decided.findings {
            self.line.extend_from_slice(match finding.truth {
                Some(true) => b",1",
                Some(false) => b",0",
                None => b",",
            });
        }
        for (at, side) in &self.values {
            self.line.push(b',');
            let finding = decided.findings.get(*at);
            let value = finding.map(|finding| match side {
                Hand::Left => finding.left,
                Hand::Right => finding.right,
            });
            push_number(&mut self.line, value.unwrap_or(f64::NAN));
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn write_time(&mut self, second: i64) {
        let day = second.div_euclid(86_400);
        if day != self.day {
            self.day = day;
            self.date = jiff::Timestamp::from_second(day * 86_400)
                .map(|moment| Offset::UTC.to_datetime(moment).date().to_string())
                .unwrap_or_default();
        }
        self.line.extend_from_slice(self.date.as_bytes());
        let rest = second.rem_euclid(86_400);
        for (mark, number) in [
            (b'T', rest / 3_600),
            (b':', rest / 60 % 60),
            (b':', rest % 60),
        ] {
            // Two digits each.
            let (tens, ones) = ((number / 10) as u8, (number % 10) as u8);
            self.line
                .extend_from_slice(&[mark, b'0' + tens, b'0' + ones]);
        }
        self.line.push(b'Z');
    }

    fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn name_of(operand: Operand, own: Timeframe) -> Option<String> {
    let Operand::Series {
        source,
        times,
        plus_pips,
    } = operand
    else {
        return None;
    };
    let mut name = source.name(own);
    if (times - 1.0).abs() > f64::EPSILON {
        name = format!("{times} times {name}");
    }
    if plus_pips.abs() > f64::EPSILON {
        name.push_str(&format!(" {plus_pips:+} pips"));
    }
    Some(name)
}

const fn words(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::WarmingUp => "warming up",
        Verdict::NoCondition => "no condition holds",
        Verdict::Unknown => "a condition cannot be known",
        Verdict::BothWays => "both directions hold",
        Verdict::AlreadyOpen(_) => "already open",
        Verdict::MostOpen(_) => "most positions open",
        Verdict::Filtered(..) => "filtered",
        Verdict::Refused(..) => "not opened",
        Verdict::Opened(..) => "opened",
        Verdict::Ended(_) => "history ended",
    }
}

/// Up to eight decimals, without zeros at the end; nothing for what is no number.
fn push_number(line: &mut Vec<u8>, number: f64) {
    const DECIMALS: usize = 8;
    if number.abs() >= 1e10 || number.is_nan() {
        if number.is_finite() {
            line.extend_from_slice(number.to_string().as_bytes());
        }
        return;
    }
    let mut rest = (number.abs() * 1e8).round() as u64;
    if number < 0.0 && rest > 0 {
        line.push(b'-');
    }
    let mut text = [b'0'; 24];
    let mut at = text.len();
    let mut digits = 0;
    let mut shown = false;
    while rest > 0 || digits <= DECIMALS {
        let digit = (rest % 10) as u8;
        rest /= 10;
        shown |= digit != 0 || digits >= DECIMALS;
        if shown {
            if digits == DECIMALS && at < text.len() {
                at -= 1;
                text[at] = b'.';
            }
            at -= 1;
            text[at] = b'0' + digit;
        }
        digits += 1;
    }
    line.extend_from_slice(&text[at..]);
}

/// For CSV: in quotation marks where it must be.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
