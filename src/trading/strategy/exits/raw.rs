//! Stop and target of the AI writer's rules, which have no exit section: `parameters.stopLoss` and `takeProfit`, pips divided
//! by 10,000 for every symbol (contract §6.1, S4).

use rust_decimal::Decimal;

use super::stop::StopAt;
use super::{Closing, Distance, Exits, Parts, StopLoss, Target};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::Rule;

const PIPS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

pub(super) fn read_parameters(reader: &mut Reader, parameters: &Node<'_>) -> Option<Exits> {
    let stop = pips(reader, parameters, "stopLoss");
    let target = pips(reader, parameters, "takeProfit");
    let Some(stop) = stop else {
        if parameters.child("stopLoss").is_none() {
            reader.refuse(&parameters.path, Rule::Exits, "there is no stop loss");
        }
        return None;
    };
    Some(Exits {
        stop_loss: StopLoss {
            at: StopAt::Distance(Distance::Pips(stop)),
            min_pips: None,
            max_pips: None,
            follows: false,
        },
        target: target.map(|pips| Target::Distance(Distance::Pips(pips))),
        parts: Parts::default(),
        trailing: Vec::new(),
        closing: Closing::default(),
    })
}

fn pips(reader: &mut Reader, parameters: &Node<'_>, key: &str) -> Option<Decimal> {
    let fraction = reader.positive(parameters, key, Rule::Exits)?;
    let node = parameters.child(key)?;
    if fraction >= Decimal::ONE {
        let text = format!(
            "{fraction} is no fraction of a price; this writer stores pips divided by 10,000"
        );
        reader.refuse(&node.path, Rule::Exits, text);
        return None;
    }
    let pips = (fraction * PIPS).normalize();
    reader.used(&node, format!("{pips} pips"));
    Some(pips)
}
