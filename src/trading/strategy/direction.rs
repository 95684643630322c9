//! Which way a text of the rules points: the only direction that stored conditions carry (R1).

use super::ending::tells_of_an_end;
use crate::market::Side;

/// Words after BUY or SELL that leave it a direction: "buy above", "sell when".
const AFTER_AN_ORDER: [&str; 32] = [
    "above",
    "after",
    "and",
    "as",
    "at",
    "because",
    "below",
    "condition",
    "conditions",
    "entries",
    "entry",
    "every",
    "from",
    "group",
    "if",
    "in",
    "into",
    "limit",
    "on",
    "once",
    "only",
    "or",
    "order",
    "position",
    "rule",
    "setup",
    "signal",
    "signals",
    "trade",
    "trigger",
    "when",
    "while",
];
/// Words after LONG or SHORT that leave it a direction. More often the two are how long something is: "short EMA above long
/// EMA", "long (200) average", "short, medium and long".
const AFTER_A_SIDE: [&str; 17] = [
    "condition",
    "conditions",
    "entries",
    "entry",
    "if",
    "once",
    "only",
    "order",
    "position",
    "rule",
    "rules",
    "setup",
    "signal",
    "signals",
    "trade",
    "trigger",
    "when",
];
/// Words that say in the name of a group what is done, or by which method: "long_entry", "short_breakout". With any other
/// word the name may be of something that is seen: "short_squeeze", "long_wick", "short_trend".
const IN_A_NAME: [&str; 30] = [
    "breakout",
    "breakouts",
    "condition",
    "conditions",
    "continuation",
    "criteria",
    "entries",
    "entry",
    "group",
    "limit",
    "only",
    "order",
    "position",
    "pullback",
    "pullbacks",
    "reversal",
    "reversals",
    "rule",
    "rules",
    "scalp",
    "scalping",
    "setup",
    "setups",
    "signal",
    "signals",
    "swing",
    "trade",
    "trades",
    "trigger",
    "triggers",
];
/// Words that make a phrase with BUY or SELL before them, whatever stands between: "Sell – off".
const MAKES_A_PHRASE: [&str; 5] = ["term", "dated", "lived", "off", "side"];

/// The direction that a text begins with: BUY, SELL, LONG or SHORT as its first word (R1).
///
/// A word that only begins a phrase is none ("Short-term EMA", "Sell-off exhausted", "Long 50 SMA"), and a text that goes on
/// with the other direction is none either ("Buy/Sell: …", "Buy or sell when …", "Long wick (sell signal)").
pub(super) fn first_word_side(text: &str) -> Option<Side> {
    let mut all = words(text);
    let (word, between) = all.next()?;
    let first = side_word(word)?;
    let next = all.next();
    if tells_of_an_end(text) {
        return None;
    }
    let other = |word: &str| side_word(word).is_some_and(|side| side != first);
    // What comes after a colon explains the direction and may well speak of the other one.
    let title = words(text.split(':').next().unwrap_or(text)).map(|(word, _)| word);
    let says = if orders(word) {
        let named = title
            .clone()
            .skip(1)
            .find(|word| !matches!(word.to_ascii_uppercase().as_str(), "OR" | "AND"));
        let phrase = title.clone().nth(1);
        let phrase = phrase.is_some_and(|word| is_one_of(word, &MAKES_A_PHRASE));
        let contradicted =
            named.is_some_and(other) || title.clone().any(|word| orders(word) && other(word));
        !phrase && !contradicted && leaves_an_order(between, next)
    } else {
        !title.clone().any(other) && leaves_a_side(text, between, next)
    };
    says.then_some(first)
}

/// Whether what follows BUY or SELL leaves it a direction.
fn leaves_an_order(between: &str, next: Option<(&str, &str)>) -> bool {
    match (between.trim(), next) {
        (_, None) => true,
        ("", Some((next, after))) => {
            let counted = is_number(next) && (!after.trim().is_empty() || after.is_empty());
            counted || is_one_of(next, &AFTER_AN_ORDER)
        }
        _ => !matches!(between, "-" | "/" | "\'" | "\u{2019}" | "_" | "\u{2011}"),
    }
}

/// Whether what follows LONG or SHORT leaves it a direction and no measure.
fn leaves_a_side(text: &str, between: &str, next: Option<(&str, &str)>) -> bool {
    let Some((next, after)) = next else {
        return true;
    };
    match between.trim_start().chars().next() {
        None => {
            let counted = is_number(next) && after.trim_start().starts_with([':', ')']);
            counted || is_one_of(next, &AFTER_A_SIDE)
        }
        Some(':') => true,
        // All the rest is in the parenthesis.
        Some('(') => text.trim_end().ends_with(')') && text.matches('(').count() == 1,
        Some(_) => false,
    }
}

/// The direction in the name of a group, a word of programs: `long_entry`, `short breakout`.
pub(super) fn name_side(name: &str) -> Option<Side> {
    let parts = name.replace('_', " ");
    let mut words = words(&parts).map(|(word, _)| word);
    let first = side_word(words.next()?)?;
    let says = words
        .all(|word| word.chars().count() == 1 || is_number(word) || is_one_of(word, &IN_A_NAME));
    says.then_some(first)
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.contains(&word.to_ascii_lowercase().as_str())
}

fn is_number(word: &str) -> bool {
    word.chars().all(|letter| letter.is_ascii_digit())
}

/// Each word, with what stands between it and the next one.
pub(super) fn words(text: &str) -> impl Iterator<Item = (&str, &str)> + Clone {
    let inside = |c: char| c.is_alphanumeric();
    let mut rest = text.trim_start_matches(move |c| !inside(c));
    std::iter::from_fn(move || {
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after.trim_start_matches(|c| !inside(c));
        let between = after.get(..after.len() - rest.len()).unwrap_or_default();
        (!word.is_empty()).then_some((word, between))
    })
}

fn side_word(word: &str) -> Option<Side> {
    match word.to_ascii_uppercase().as_str() {
        "BUY" | "LONG" => Some(Side::Buy),
        "SELL" | "SHORT" => Some(Side::Sell),
        _ => None,
    }
}

fn orders(word: &str) -> bool {
    matches!(word.to_ascii_uppercase().as_str(), "BUY" | "SELL")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUY: Option<Side> = Some(Side::Buy);
    const SELL: Option<Side> = Some(Side::Sell);

    #[test]
    fn a_direction_is_the_first_word_and_no_part_of_a_phrase() {
        for (text, side) in [
            ("BUY: RSI under 30", BUY),
            ("BUY Signal: EMA 9 over EMA 21", BUY),
            ("BUY 1: breaks the high", BUY),
            ("SELL 12) breaks the low", SELL),
            ("Buy when RSI is oversold", BUY),
            ("Long entry", BUY),
            ("  - short: below the average", SELL),
            ("SHORT (EMA 9 under EMA 21)", SELL),
            ("Sell", SELL),
            ("Sell – the trend turned", SELL),
            ("LONG: short-term EMA over long-term EMA", BUY),
            ("Buy when the short EMA crosses the long one", BUY),
            ("Short-term EMA above long-term EMA", None),
            ("Short term momentum above medium term", None),
            ("SHORT TERM EMA above LONG TERM EMA", None),
            ("Short\u{2011}term trend", None),
            ("Short - term momentum", None),
            ("Sell \u{2013} off exhausted", None),
            ("Short 9-EMA crosses above long 21-EMA", None),
            ("Short (9) EMA above long (21) EMA", None),
            ("Short (fast) EMA crosses above the slow one", None),
            ("Short(er) EMA above", None),
            ("Short, medium and long EMAs aligned upward", None),
            ("Short and medium EMA above long EMA", None),
            ("Short above long EMA", None),
            ("Short 9/21 cross up", None),
            ("Long 200-day SMA below price", None),
            ("Long entry or short entry", None),
            ("Short - squeeze building", None),
            ("Long 1: the low holds", BUY),
            ("short when it breaks", SELL),
            ("Long 50 SMA above 200", None),
            ("Long candle", None),
            ("Sell-off exhausted -> buy", None),
            ("Sell pressure fades", None),
            ("Buy-side liquidity", None),
            ("Buy/Sell: both", None),
            ("Buy or sell when it breaks", None),
            ("Short squeeze (buy signal)", None),
            ("Long wick (sell signal)", None),
            ("Long entry (sell signal)", None),
            ("Buying pressure", None),
            ("RSI under 30: buy", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(first_word_side(text), side, "{text:?}");
        }
    }

    #[test]
    fn a_groups_name_is_a_direction_unless_it_names_something_else() {
        for (name, side) in [
            ("long_entry", BUY),
            ("short_entry", SELL),
            ("Long", BUY),
            ("short_breakout_2", SELL),
            ("buy_conditions", BUY),
            ("short_term_momentum", None),
            ("long_term", None),
            ("long_short", None),
            ("momentum_long", None),
            ("longs", None),
            ("long_1", BUY),
            ("short_a", SELL),
            ("short_9_over_21", None),
            ("Short 20 EMA cross", None),
            ("short_trend", None),
            ("short_3_bar_reversal_up", None),
            ("short_swing_low_bounce", None),
            ("long_200_ema_support", None),
            ("long_swing_trades_2", BUY),
            ("short_squeeze", None),
            ("short_squeeze_breakout", None),
            ("short_covering", None),
            ("sell_off_bounce", None),
            ("long_liquidation", None),
            ("long_wick_rejection", None),
            ("buy_side_liquidity", None),
        ] {
            assert_eq!(name_side(name), side, "{name:?}");
        }
    }
}
