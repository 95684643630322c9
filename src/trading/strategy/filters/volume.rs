//! The volume confirmation: the closed bar's ticks against their average.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::verdict::{Limit, Look, Verdict, number};
use crate::strategy::indicator::Series;
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::Rule;

/// Bars of the average, as for conditions that ask for a confirming volume.
const BARS: u32 = 20;

/// Entries only at a bar whose volume is at least this factor times its average of 20 bars, this one among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VolumeFilter {
    pub times: Decimal,
}

impl VolumeFilter {
    pub(super) const SERIES: [Series; 2] = [Series::Volume, Series::VolumeSma(BARS)];

    fn ratio(look: &Look<'_>) -> f64 {
        let [volume, average] = Self::SERIES.map(|series| look.panel.own(series));
        volume / average
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        Verdict::blocks_unless(Limit::from(self.times).allows_from(Self::ratio(look)))
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        format!(
            "volume {} times its average of {BARS} bars, at least {}",
            number(Self::ratio(look), 2, ""),
            self.times
        )
    }

    pub fn words(&self, language: Language) -> String {
        let times = self.times;
        tell!(language;
            "only when the bar's volume is at least {times} times its average of {BARS} bars";
            "hanya jika volume bar minimal {times} kali rata-rata volume {BARS} bar")
    }
}

pub(super) fn read_volume(reader: &mut Reader, node: &Node<'_>) -> Option<VolumeFilter> {
    let times = reader.positive(node, "minVolumeMultiplier", Rule::NotComputable);
    match node.child("minVolumeMultiplier") {
        Some(child) => reader.used(
            &child,
            "times the average volume of 20 bars; also for conditions that ask for volume",
        ),
        None => reader.refuse(
            &node.path,
            Rule::NotComputable,
            "is switched on and has no \"minVolumeMultiplier\"",
        ),
    }
    if let Some(required) = node.child("required") {
        let on = reader.flag(node, "required");
        if !on {
            let text = "only conditions that ask for volume need it";
            reader.informational(&required, text);
            return None;
        }
        reader.used(&required, "every entry needs the volume");
    }
    Some(VolumeFilter { times: times? })
}

/// The factor on the average volume for conditions that ask for a confirming volume; 1 where rules name none.
pub(in crate::strategy) fn volume_factor(rules: &Node<'_>) -> f64 {
    let nested = rules.child("filters").filter(Node::enabled);
    [Some(rules.clone()), nested]
        .into_iter()
        .flatten()
        .filter_map(|holder| holder.child("volumeConfirmation").filter(Node::enabled))
        .filter_map(|node| node.child("minVolumeMultiplier")?.number()?.to_f64())
        .find(|factor| *factor > 0.0)
        .unwrap_or(1.0)
}
