//! The answers of a trade server that say no: MetaTrader's return codes (MQL5 reference, "Return Codes of the
//! Trade Server") with the class that says what is allowed next, and the bridge's own negative codes.

use crate::market::{Refusal, RefusalClass};

/// The id was used before with other parameters.
pub const OTHER_PARAMETERS: i32 = -3;
/// The order came after its time to live.
pub const LATE: i32 = -2;
/// The terminal could not store the order, so it did not execute it.
pub const NOT_STORED: i32 = -8;
pub const REQUOTE: i32 = 10_004;
pub const REJECT: i32 = 10_006;
pub const INVALID_VOLUME: i32 = 10_014;
pub const INVALID_PRICE: i32 = 10_015;
pub const INVALID_STOPS: i32 = 10_016;
pub const TRADE_DISABLED: i32 = 10_017;
pub const MARKET_CLOSED: i32 = 10_018;
pub const NO_MONEY: i32 = 10_019;
pub const NO_CHANGES: i32 = 10_025;
pub const SERVER_DISABLES_AT: i32 = 10_026;
pub const CLIENT_DISABLES_AT: i32 = 10_027;
pub const INVALID_ORDER: i32 = 10_035;
pub const POSITION_CLOSED: i32 = 10_036;
pub const INVALID_CLOSE_VOLUME: i32 = 10_038;
pub const LONG_ONLY: i32 = 10_042;
pub const SHORT_ONLY: i32 = 10_043;
pub const CLOSE_ONLY: i32 = 10_044;
/// The bridge does not know the symbol.
pub const UNKNOWN_SYMBOL: i32 = -6;

/// What a definite refusal with this code allows next. A code this terminal never gives counts as a wrong request.
pub const fn class_of(retcode: i32) -> RefusalClass {
    match retcode {
        // Certainly not executed; a fresh intent is the only way to try again.
        LATE | REQUOTE | 10_020 => RefusalClass::PriceMoved,
        NOT_STORED | MARKET_CLOSED | 10_021 | 10_024 | 10_029 => RefusalClass::Wait,
        TRADE_DISABLED
        | NO_MONEY
        | SERVER_DISABLES_AT
        | CLIENT_DISABLES_AT
        | 10_032..=10_034
        | 10_040
        | LONG_ONLY..=10_046 => RefusalClass::Permission,
        NO_CHANGES | POSITION_CLOSED => RefusalClass::AlreadySo,
        _ => RefusalClass::Fix,
    }
}

/// Codes that do not say whether the order was executed; they are never a refusal.
pub const fn leaves_doubt(retcode: i32) -> bool {
    matches!(
        retcode,
        0 | 10_011 | 10_012 | 10_023 | 10_028 | 10_031 | 10_037 | 10_039
    )
}

pub fn refusal(retcode: i32, message: impl Into<String>) -> Refusal {
    Refusal {
        retcode,
        class: class_of(retcode),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{class_of, leaves_doubt};
    use crate::market::RefusalClass::{self, AlreadySo, Fix, Permission, PriceMoved, Wait};

    #[test]
    fn every_code_of_the_trade_server_has_its_class() {
        let classes: [(RefusalClass, &[i32]); 5] = [
            (PriceMoved, &[-2, 10_004, 10_020]),
            (Wait, &[-8, 10_018, 10_021, 10_024, 10_029]),
            (
                Fix,
                &[
                    -6, -3, 10_006, 10_007, 10_013, 10_014, 10_015, 10_016, 10_022, 10_030, 10_035,
                    10_038, 10_041,
                ],
            ),
            (
                Permission,
                &[
                    10_017, 10_019, 10_026, 10_027, 10_032, 10_033, 10_034, 10_040, 10_042, 10_043,
                    10_044, 10_045, 10_046,
                ],
            ),
            (AlreadySo, &[10_025, 10_036]),
        ];
        for (class, codes) in classes {
            for code in codes {
                assert_eq!(class_of(*code), class, "{code}");
                assert!(!leaves_doubt(*code), "{code}");
            }
        }
        for code in [0, 10_011, 10_012, 10_023, 10_028, 10_031, 10_037, 10_039] {
            assert!(leaves_doubt(code), "{code}");
        }
    }
}
