//! Whether a text that begins with BUY, SELL, LONG or SHORT is about the end of such a position: "BUY trade exit", "Long: close
//! when …". It says nothing about when to open one (R1).

use super::direction::words;

/// Words between the direction and what is done with the position.
const BETWEEN: [&str; 21] = [
    "a",
    "be",
    "condition",
    "conditions",
    "if",
    "is",
    "must",
    "on",
    "order",
    "our",
    "position",
    "rule",
    "setup",
    "should",
    "signal",
    "signals",
    "the",
    "to",
    "trade",
    "trigger",
    "we",
];
const ENDS: [&str; 12] = [
    "closed",
    "closing",
    "closure",
    "end",
    "ended",
    "ending",
    "ends",
    "exit",
    "exited",
    "exiting",
    "exits",
    "liquidate",
];
/// After "exit" and its like: what the market leaves, not the trader ("RSI exits oversold").
const LEFT_BY_THE_MARKET: [&str; 2] = ["oversold", "overbought"];
const LEADS_THERE: [&str; 3] = ["from", "of", "the"];
/// After "close": what is done. Anything else is compared with the closing price ("close above the average").
const DONE: [&str; 15] = [
    "all",
    "half",
    "if",
    "immediately",
    "it",
    "now",
    "on",
    "once",
    "order",
    "out",
    "position",
    "the",
    "them",
    "trade",
    "when",
];

/// The direction, the first word, is not looked at.
pub(super) fn tells_of_an_end(text: &str) -> bool {
    let lower: Vec<String> = words(text)
        .skip(1)
        .map(|(word, _)| word.to_ascii_lowercase())
        .collect();
    let is_one_of = |word: Option<&String>, list: &[&str]| {
        word.is_some_and(|word| list.contains(&word.as_str()))
    };
    let at = lower
        .iter()
        .position(|word| !BETWEEN.contains(&word.as_str()));
    let Some(at) = at else {
        return false;
    };
    let next = lower.get(at + 1);
    match lower[at].as_str() {
        "close" | "closes" => next.is_none() || is_one_of(next, &DONE),
        "take" => is_one_of(next, &["profit", "profits"]),
        "stop" => at > 0 && (next.is_none() || is_one_of(next, &["loss", "out"])),
        word if ENDS.contains(&word) => {
            let mut rest = lower.iter().skip(at + 1);
            let left = rest.find(|word| !LEADS_THERE.contains(&word.as_str()));
            !is_one_of(left, &LEFT_BY_THE_MARKET)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_from_an_entry() {
        for text in [
            "BUY trade exit when RSI is over 70",
            "Long position: exit at the average",
            "SHORT trade closing",
            "BUY trade closed",
            "BUY position close",
            "Buy trade is closed when RSI turns",
            "BUY trade ended",
            "BUY trade to exit",
            "BUY trade take profit",
            "BUY trade stop",
            "Long trade should exit",
            "BUY: exit when RSI is over 70",
            "SELL: close the position",
        ] {
            assert!(tells_of_an_end(text), "{text}");
        }
        for text in [
            "BUY",
            "BUY signal",
            "BUY when RSI exits oversold",
            "BUY signal: exit from oversold zone",
            "BUY signal exits oversold",
            "BUY signal: close above the average",
            "BUY: Close > EMA 20",
            "SELL: closes below the band",
            "BUY stop order above the high",
            "BUY: RSI under 30",
        ] {
            assert!(!tells_of_an_end(text), "{text}");
        }
    }
}
