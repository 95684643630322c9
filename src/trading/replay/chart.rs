//! The charts of the page, as inline SVG.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::overview::{Mark, Step};
use crate::market::Side;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 70.0;
const FOOT: f64 = 20.0;

/// What is drawn over the steps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Equity,
    /// Below zero.
    Fall,
}

/// Places on a chart: steps from left to right, values from bottom to top.
struct Frame {
    height: f64,
    steps: usize,
    low: f64,
    high: f64,
}

impl Frame {
    fn new(height: f64, steps: usize, (low, high): (f64, f64)) -> Self {
        let span = high - low;
        let pad = if span > 0.0 {
            span * 0.04
        } else {
            high.abs().max(1.0) * 0.01
        };
        Self {
            height,
            steps,
            low: low - pad,
            high: high + pad,
        }
    }

    fn x(&self, step: f64) -> f64 {
        let steps = self.steps.max(2) - 1;
        LEFT + (WIDTH - LEFT - 4.0) * step / steps as f64
    }

    fn y(&self, value: f64) -> f64 {
        let inner = self.height - FOOT;
        inner - inner * (value - self.low) / (self.high - self.low)
    }

    /// The SVG's beginning with a grid, its values, and the days at both ends.
    fn begin(&self, label: &str, times: (i64, i64), decimals: usize) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{label}\">",
            self.height
        );
        for part in 0..=4 {
            let value = self.low + (self.high - self.low) * f64::from(part) / 4.0;
            let y = self.y(value);
            let text = y.clamp(10.0, self.height - FOOT);
            put(
                &mut svg,
                format_args!(
                    "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{WIDTH}\"/><text x=\"{:.0}\" y=\"{text:.1}\" text-anchor=\"end\">{value:.decimals$}</text>",
                    LEFT - 6.0
                ),
            );
        }
        let foot = self.height - 5.0;
        put(
            &mut svg,
            format_args!(
                "<text x=\"{LEFT}\" y=\"{foot}\">{}</text><text x=\"{WIDTH}\" y=\"{foot}\" text-anchor=\"end\">{}</text>",
                day(times.0),
                day(times.1)
            ),
        );
        svg
    }
}

/// Adds text to a page.
pub(super) fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.push_str(&text.to_string());
}

fn day(second: i64) -> String {
    Timestamp::from_second(second)
        .map(|moment| {
            Offset::UTC
                .to_datetime(moment)
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        })
        .unwrap_or_default()
}

fn times(steps: &[Step]) -> (i64, i64) {
    let ends = steps.first().zip(steps.last());
    ends.map_or((0, 0), |(first, last)| (first.from, last.from))
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// A curve over the steps with the area to its base filled.
pub(super) fn curve(steps: &[Step], line: Line, base: f64) -> String {
    let value = |step: &Step| match line {
        Line::Equity => step.equity,
        Line::Fall => -step.fall,
    };
    let (label, height, class) = match line {
        Line::Equity => ("Equity", 260.0, "equity"),
        Line::Fall => ("Drawdown", 140.0, "fall"),
    };
    let range = bounds(steps.iter().map(value).chain([base]));
    let mut frame = Frame::new(height, steps.len(), range);
    if matches!(line, Line::Fall) {
        frame.high = base;
    }
    let mut svg = frame.begin(label, times(steps), 2);
    let mut path = String::new();
    for (at, step) in steps.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        put(
            &mut path,
            format_args!(
                "{letter}{:.1} {:.1}",
                frame.x(at as f64),
                frame.y(value(step))
            ),
        );
    }
    if !path.is_empty() {
        let foot = frame.y(base);
        let (left, right) = (frame.x(0.0), frame.x(steps.len().saturating_sub(1) as f64));
        put(
            &mut svg,
            format_args!(
                "<path class=\"{class} area\" d=\"{path}L{right:.1} {foot:.1}L{left:.1} {foot:.1}Z\"/><path class=\"{class}\" d=\"{path}\"/>"
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Prices with the positions on them: a triangle where one was opened, a line to where it was closed.
pub(super) fn prices(steps: &[Step], marks: &[Mark], label: &str, decimals: usize) -> String {
    let range = bounds(steps.iter().flat_map(|step| [step.low, step.high]));
    let frame = Frame::new(360.0, steps.len(), range);
    let mut svg = frame.begin(label, times(steps), decimals);
    let (mut wicks, mut rising, mut falling) = (String::new(), String::new(), String::new());
    let half = ((frame.x(1.0) - frame.x(0.0)) * 0.35).clamp(0.3, 4.0);
    for (at, step) in steps.iter().enumerate() {
        let x = frame.x(at as f64);
        put(
            &mut wicks,
            format_args!("M{x:.1} {:.1}V{:.1}", frame.y(step.high), frame.y(step.low)),
        );
        let (open, close) = (frame.y(step.open), frame.y(step.close));
        let body = if step.close >= step.open {
            &mut rising
        } else {
            &mut falling
        };
        put(
            body,
            format_args!(
                "M{:.1} {open:.1}H{:.1}V{close:.1}H{:.1}Z",
                x - half,
                x + half,
                x - half
            ),
        );
    }
    for (class, path) in [("wick", wicks), ("rising", rising), ("falling", falling)] {
        if !path.is_empty() {
            put(
                &mut svg,
                format_args!("<path class=\"{class}\" d=\"{path}\"/>"),
            );
        }
    }
    let place = |second: i64| {
        let at = steps.partition_point(|step| step.from <= second);
        frame.x(at.saturating_sub(1) as f64)
    };
    let begin = steps.first().map_or(i64::MAX, |step| step.from);
    for mark in marks.iter().filter(|mark| mark.opened_at >= begin) {
        let (x1, y1) = (place(mark.opened_at), frame.y(mark.open));
        let (x2, y2) = (place(mark.closed_at), frame.y(mark.close));
        let result = if mark.won { "won" } else { "lost" };
        let (side, tip) = match mark.side {
            Side::Buy => ("buy", 7.0),
            Side::Sell => ("sell", -7.0),
        };
        put(
            &mut svg,
            format_args!(
                "<path class=\"{result}\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/><path class=\"{side}\" d=\"M{x1:.1} {y1:.1}l-4 {tip}h8Z\"/>"
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}
