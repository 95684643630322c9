//! What an answer of the Expert Advisor says about an order. Only a definite answer is one; everything else is "look".

use rust_decimal::Decimal;

use crate::market::{Fill, IntentAction, Outcome, Refusal, RefusalClass, Ticket};
use crate::terminal::metatrader::message::{ResultLine, Stage};
use crate::terminal::retcode::{self, Class, class_of, refusal};

pub fn outcome(action: &IntentAction, line: &ResultLine) -> Outcome {
    let class = class_of(line.retcode);
    match (line.stage, class) {
        // Certainly not sent, whatever the reason; but an id that the EA knows with other parameters may be at work.
        (Stage::Refused, Class::Refused(_)) => Outcome::Refused(refused(action, line)),
        (Stage::Refused, Class::LookFirst)
            if !matches!(
                line.retcode,
                retcode::OTHER_PARAMETERS | retcode::OUTCOME_UNKNOWN
            ) =>
        {
            Outcome::Refused(Refusal {
                class: RefusalClass::Wait,
                ..refused(action, line)
            })
        }
        (Stage::Done, Class::Done) => done(action, line),
        (Stage::Done, Class::Refused(_)) => Outcome::Refused(refused(action, line)),
        _ => unknown(line, retcode::sentence(line.retcode)),
    }
}

fn unknown(line: &ResultLine, sentence: &str) -> Outcome {
    Outcome::Unknown {
        reason: format!("{sentence} ({}{})", line.retcode, told(line, ", ")),
    }
}

fn told(line: &ResultLine, before: &str) -> String {
    if line.comment.is_empty() {
        String::new()
    } else {
        format!("{before}{}", line.comment)
    }
}

fn done(action: &IntentAction, line: &ResultLine) -> Outcome {
    let deals = matches!(
        action,
        IntentAction::Open { .. } | IntentAction::Close { .. }
    );
    let whole = line.deal != 0 && line.volume > Decimal::ZERO && line.price > Decimal::ZERO;
    if deals && !whole {
        return unknown(line, "the broker says done and shows no deal yet");
    }
    if let IntentAction::Open { volume, .. } = action
        && line.volume > *volume
    {
        return unknown(line, "the answer tells more lots than were ordered");
    }
    let ticket = match action {
        IntentAction::Open { .. } if line.position == 0 => {
            return unknown(line, "the broker says done and shows no position yet");
        }
        IntentAction::Open { .. } => Ticket(line.position),
        IntentAction::Close { ticket, .. }
        | IntentAction::Modify { ticket, .. }
        | IntentAction::Cancel { ticket } => *ticket,
    };
    Outcome::Done(Fill {
        ticket,
        deal: Some(Ticket(line.deal)).filter(|deal| deal.0 != 0),
        volume: line.volume,
        price: line.price,
        profit: line.profit,
    })
}

/// The trader's sentence, then what else is known: by the terminal about what was not sent, by the broker about what was.
fn why_refused(line: &ResultLine) -> String {
    let sentence = retcode::sentence(line.retcode);
    match (line.comment.as_str(), line.stage) {
        ("", _) => sentence.to_owned(),
        (comment, Stage::Refused) => format!("{}: {comment}", sentence.trim_end_matches('.')),
        (comment, _) => format!("{sentence} The broker says: {comment}"),
    }
}

fn refused(action: &IntentAction, line: &ResultLine) -> Refusal {
    let mut refusal = refusal(line.retcode, why_refused(line));
    // "Already so" is so only for what was asked.
    let so = match line.retcode {
        retcode::NO_CHANGES => matches!(action, IntentAction::Modify { .. }),
        retcode::POSITION_CLOSED => matches!(action, IntentAction::Close { .. }),
        _ => true,
    };
    if !so {
        refusal.class = RefusalClass::Fix;
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{LevelChange, Side};

    fn line(stage: Stage, retcode: i32) -> ResultLine {
        ResultLine {
            cid: 1,
            ok: retcode == 10_009,
            retcode,
            deal: 7,
            order: 6,
            position: 5,
            volume: Decimal::ONE,
            price: Decimal::TWO,
            bid: Decimal::ZERO,
            ask: Decimal::ZERO,
            profit: Decimal::ZERO,
            comment: String::new(),
            error: 0,
            stage,
            unwritten: false,
            free: Decimal::ZERO,
        }
    }

    fn open() -> IntentAction {
        IntentAction::Open {
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            volume: Decimal::ONE,
            stop_loss: None,
            take_profit: None,
            deviation: 10,
        }
    }

    fn close() -> IntentAction {
        IntentAction::Close {
            ticket: Ticket(3),
            volume: None,
        }
    }

    #[test]
    fn only_a_definite_answer_is_one() {
        use Stage::{Done, Refused, Sent};
        for (stage, code, wanted) in [
            (Done, 10_009, "done"),
            (Done, 10_010, "done"),
            // Accepted is not executed.
            (Done, 10_008, "unknown"),
            (Done, 10_012, "unknown"),
            (Done, 10_031, "unknown"),
            (Done, 10_019, "refused"),
            (Done, 99_999, "unknown"),
            (Done, 0, "unknown"),
            (Sent, 10_009, "unknown"),
            (Sent, -10, "unknown"),
            (Sent, 10_019, "unknown"),
            (Refused, -5, "refused"),
            (Refused, -2, "refused"),
            // Never sent, so a doubtful code is none.
            (Refused, 10_031, "refused"),
            (Refused, -3, "unknown"),
            (Refused, -10, "unknown"),
            // Contradicts itself.
            (Refused, 10_009, "unknown"),
        ] {
            let is = match outcome(&open(), &line(stage, code)) {
                Outcome::Done(_) => "done",
                Outcome::Refused(_) => "refused",
                Outcome::Unknown { .. } => "unknown",
            };
            assert_eq!(is, wanted, "{stage:?} {code}");
        }
    }

    #[test]
    fn a_refusal_is_a_sentence_with_what_else_was_said() {
        let said = |stage, code, comment: &str| {
            let line = ResultLine {
                comment: comment.to_owned(),
                ..line(stage, code)
            };
            match outcome(&open(), &line) {
                Outcome::Refused(refusal) => refusal.message,
                other => format!("{other:?}"),
            }
        };
        for (stage, code, comment, words) in [
            (
                Stage::Refused,
                -1,
                "the stop loss is on the wrong side of the price",
                "The Expert Advisor cannot use this order as it is: the stop loss is on the wrong side of the price",
            ),
            (
                Stage::Refused,
                10_019,
                "No money",
                "There is not enough free margin for this order: No money",
            ),
            (
                Stage::Done,
                10_019,
                "No money",
                "There is not enough free margin for this order. The broker says: No money",
            ),
            (
                Stage::Done,
                10_019,
                "",
                "There is not enough free margin for this order.",
            ),
        ] {
            assert_eq!(said(stage, code, comment), words);
        }
    }

    #[test]
    fn done_without_a_deal_is_looked_for() {
        let mut without = line(Stage::Done, 10_009);
        without.deal = 0;
        assert!(matches!(
            outcome(&open(), &without),
            Outcome::Unknown { .. }
        ));
        assert!(matches!(
            outcome(&close(), &without),
            Outcome::Unknown { .. }
        ));
        let modify = IntentAction::Modify {
            ticket: Ticket(3),
            stop_loss: LevelChange::Remove,
            take_profit: LevelChange::Remove,
        };
        assert!(matches!(outcome(&modify, &without), Outcome::Done(_)));
    }

    #[test]
    fn more_than_was_ordered_is_looked_for() {
        let mut more = line(Stage::Done, 10_009);
        more.volume = Decimal::TEN;
        assert!(matches!(outcome(&open(), &more), Outcome::Unknown { .. }));
    }

    #[test]
    fn already_so_depends_on_what_was_asked() {
        let class = |action: &IntentAction, code| match outcome(action, &line(Stage::Done, code)) {
            Outcome::Refused(refusal) => Some(refusal.class),
            _ => None,
        };
        assert_eq!(class(&close(), 10_036), Some(RefusalClass::AlreadySo));
        assert_eq!(class(&open(), 10_036), Some(RefusalClass::Fix));
        assert_eq!(class(&close(), 10_025), Some(RefusalClass::Fix));
    }
}
