//! The spread filter.

use rust_decimal::Decimal;
use serde::Serialize;

use super::read_action;
use super::verdict::{Limit, Look, Verdict, number};
use crate::strategy::indicator::normalised;
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule};

/// Above the limit nothing is opened, or less is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SpreadFilter {
    pub max_pips: Limit,
    /// The factor on the volume above the limit, where rules reduce instead of skipping.
    pub reduce: Option<Decimal>,
}

impl SpreadFilter {
    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        if self.max_pips.allows_up_to(look.spread_pips) {
            Verdict::Passes
        } else if look.spread_pips.is_finite() {
            self.reduce.map_or(Verdict::Blocks, Verdict::times)
        } else {
            Verdict::Blocks
        }
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let spread = number(look.spread_pips, 2, " pips");
        match (self.reduce, self.verdict(look)) {
            (Some(_), Verdict::Reduces(factor)) => format!(
                "spread {spread}, above {}: volume times {factor}",
                self.max_pips
            ),
            _ => format!("spread {spread}, at most {}", self.max_pips),
        }
    }

    pub fn words(&self, language: Language) -> String {
        let most = self.max_pips;
        match self.reduce {
            Some(factor) => tell!(language;
                "volume times {factor} when the spread is over {most} pips";
                "volume dikali {factor} jika spread di atas {most} pip"),
            None => tell!(language;
                "skips when the spread is over {most} pips";
                "tidak membuka posisi jika spread di atas {most} pip"),
        }
    }
}

pub(super) fn read_spread(reader: &mut Reader, node: &Node<'_>) -> Option<SpreadFilter> {
    let max = reader.positive(node, "maxSpread", Rule::NotComputable);
    match node.child("maxSpread") {
        Some(child) => reader.used(&child, "most spread, in pips"),
        None => reader.refuse(
            &node.path,
            Rule::NotComputable,
            "is switched on and has no \"maxSpread\"",
        ),
    }
    let reduce = read_reduction(reader, node);
    if let Some(adjust) = node.child("adjustForSession")
        && reader.flag(node, "adjustForSession")
    {
        reader.skip(Reason::new(
            Rule::NotComputable,
            &adjust.path,
            "rules don't say how the limit differs by session, so the same one counts in all of them",
        ));
    }
    Some(SpreadFilter {
        max_pips: max?.into(),
        reduce,
    })
}

/// What is done above the limit: nothing is opened, or the volume times `reduceFactor`.
fn read_reduction(reader: &mut Reader, node: &Node<'_>) -> Option<Decimal> {
    let action = node.child("action");
    let reduces = action
        .as_ref()
        .and_then(Node::text)
        .is_some_and(|text| normalised(text) == "reduce_size");
    let Some(child) = node.child("reduceFactor") else {
        if let Some(action) = &action {
            read_action(reader, action);
        }
        return None;
    };
    if !reduces {
        reader.informational(&child, "nothing is opened above the limit");
        if let Some(action) = &action {
            read_action(reader, action);
        }
        return None;
    }
    let factor = reader.number(node, "reduceFactor")?;
    if factor <= Decimal::ZERO || factor >= Decimal::ONE {
        let text = format!("{factor} is not a factor between 0 and 1");
        reader.refuse(&child.path, Rule::NotComputable, text);
        return None;
    }
    for node in action.iter().chain([&child]) {
        reader.used(node, "the volume above the limit");
    }
    Some(factor)
}
