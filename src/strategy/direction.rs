//! Which way a text of the rules points: the only direction that stored conditions carry (R1).

use crate::market::Side;

/// Words after BUY, SELL, LONG or SHORT that leave it a direction: "long entry", "sell when".
const AFTER_A_DIRECTION: [&str; 32] = [
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
/// Words after it in the name of a group that say what is done or by which method: "long_entry", "short_breakout". After
/// any other word the two may name something that is seen: "short_squeeze", "long_wick", "short_term".
const AFTER_A_DIRECTION_IN_A_NAME: [&str; 14] = [
    "breakout",
    "breakouts",
    "continuation",
    "criteria",
    "pullback",
    "pullbacks",
    "reversal",
    "reversals",
    "rules",
    "scalp",
    "scalping",
    "swing",
    "trades",
    "trend",
];

/// Words that make a phrase with the one before, whatever stands between: "Short - term", "Sell – off".
const MAKES_A_PHRASE: [&str; 5] = ["term", "dated", "lived", "off", "side"];

/// The direction that a text begins with: BUY, SELL, LONG or SHORT as its first word (R1).
///
/// A word that only begins a phrase is none ("Short-term EMA", "Sell-off exhausted", "Long 50 SMA"), and a text that goes on
/// with the other direction is none either ("Buy/Sell: …", "Buy or sell when …", "Long wick (sell signal)").
pub(super) fn first_word_side(text: &str) -> Option<Side> {
    let mut all = words(text);
    let (first, joined) = all.next()?;
    let first = side_word(first)?;
    let orders = |word: &str| matches!(word.to_ascii_uppercase().as_str(), "BUY" | "SELL");
    let other = |word: &str| side_word(word).is_some_and(|side| side != first);
    // What comes after a colon explains the direction and may well speak of the other one.
    let title = words(text.split(':').next().unwrap_or(text)).map(|(word, _)| word);
    let named = title
        .clone()
        .skip(1)
        .find(|word| !matches!(word.to_ascii_uppercase().as_str(), "OR" | "AND"));
    if named.is_some_and(other) || title.clone().any(|word| orders(word) && other(word)) {
        return None;
    }
    let phrase = title.clone().nth(1);
    if phrase.is_some_and(|word| MAKES_A_PHRASE.contains(&word.to_ascii_lowercase().as_str())) {
        return None;
    }
    let says = match joined {
        Joined::Space => all.next().is_none_or(|(next, joined)| {
            let counted = next.chars().all(|c| c.is_ascii_digit()) && joined != Joined::Space;
            counted || AFTER_A_DIRECTION.contains(&next.to_ascii_lowercase().as_str())
        }),
        Joined::Hyphen => false,
        Joined::Mark | Joined::End => true,
    };
    says.then_some(first)
}

/// The direction in the name of a group, a word of programs: `long_entry`, `short breakout`.
pub(super) fn name_side(name: &str) -> Option<Side> {
    let parts = name.replace('_', " ");
    let mut words = words(&parts).map(|(word, _)| word.to_ascii_lowercase());
    let first = side_word(&words.next()?)?;
    let other = |word: &String| side_word(word).is_some_and(|side| side != first);
    let rest: Vec<String> = words.collect();
    let says = rest.first().is_none_or(|next| {
        let next = next.as_str();
        let counted = next.len() == 1 || next.chars().all(|c| c.is_ascii_digit());
        counted || AFTER_A_DIRECTION.contains(&next) || AFTER_A_DIRECTION_IN_A_NAME.contains(&next)
    });
    (says && !rest.iter().any(other)).then_some(first)
}

/// What stands between a word and the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    Space,
    /// Makes one word of two: "short-term".
    Hyphen,
    Mark,
    End,
}

fn words(text: &str) -> impl Iterator<Item = (&str, Joined)> + Clone {
    let inside = |c: char| c.is_alphanumeric();
    let mut rest = text.trim_start_matches(move |c| !inside(c));
    std::iter::from_fn(move || {
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after.trim_start_matches(|c| !inside(c));
        let between = after.get(..after.len() - rest.len()).unwrap_or_default();
        let joined = match between {
            _ if rest.is_empty() && between.trim().is_empty() => Joined::End,
            "-" | "/" | "\'" | "\u{2019}" | "_" | "\u{2011}" => Joined::Hyphen,
            _ if between.trim().is_empty() => Joined::Space,
            _ => Joined::Mark,
        };
        (!word.is_empty()).then_some((word, joined))
    })
}

fn side_word(word: &str) -> Option<Side> {
    match word.to_ascii_uppercase().as_str() {
        "BUY" | "LONG" => Some(Side::Buy),
        "SELL" | "SHORT" => Some(Side::Sell),
        _ => None,
    }
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
