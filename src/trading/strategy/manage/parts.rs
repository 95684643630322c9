//! Parts of a position that are due.

use rust_decimal::Decimal;

use super::Adjustment;
use super::holding::{Holding, Reach};
use crate::strategy::exits::{PartialLevel, Trailing};
use crate::strategy::language::Language;

/// How far a position has come through its parts.
pub(super) struct Walk<'a> {
    /// What is to be closed now, and the levels up to the one that it comes from, which is the last.
    due: Option<(Decimal, &'a [PartialLevel])>,
    /// It closes all that is left.
    all: bool,
    /// A part that moves the stop to the open price was taken or is due.
    pub breakeven: bool,
    /// No part is left to take.
    pub complete: bool,
}

/// Looks at the parts in their order. Those whose volume is closed already are done; of the others each is due when it is
/// reached and those before it are done. A part left for the next one (R11) waits for nobody and is waited for by none.
/// `reached` is asked about every part that could be due, and is told whether anything comes of it: of one left for the next
/// one nothing does unless a stop waits for it.
pub(super) fn walk<'a>(
    holding: &Holding<'a>,
    mut reached: impl FnMut(Reach, bool) -> bool,
) -> Walk<'a> {
    let (view, spec) = (holding.view, holding.view.spec);
    let closed = view.opened.volume - view.position.volume;
    let mut walk = Walk {
        due: None,
        all: false,
        breakeven: false,
        complete: true,
    };
    let waits = holding.plan.exits.trailing.iter().any(Trailing::waits);
    let parts = &holding.plan.exits.parts;
    for (at, (level, cut)) in parts.cuts(view.opened.volume, spec).enumerate() {
        let Some(cut) = cut else {
            let reached = reached(holding.reach(&level.when), waits || level.breakeven);
            walk.complete = reached;
            walk.breakeven |= reached && level.breakeven;
            continue;
        };
        if closed < cut {
            if !reached(holding.reach(&level.when), true) {
                walk.complete = false;
                break;
            }
            let part = spec.floor_volume(cut - closed).normalize();
            let left = view.position.volume - part;
            let all = cut >= view.opened.volume;
            if part > Decimal::ZERO && part >= spec.volume_min && (all || left >= spec.volume_min) {
                walk.due = Some((part, &parts.own()[..=at]));
                walk.all = all;
            }
        }
        walk.complete = true;
        walk.breakeven |= level.breakeven;
    }
    walk
}

impl Walk<'_> {
    pub fn adjustment(&self) -> Option<Adjustment> {
        let (part, levels) = self.due?;
        let level = levels.last()?;
        let percent: Decimal = levels.iter().map(|level| level.percent).sum();
        Some(Adjustment::Close {
            volume: (!self.all).then_some(part),
            why: format!(
                "{} % taken at {}",
                percent.normalize(),
                level.when.words(Language::English)
            ),
        })
    }
}
