//! Strategies: from the stored `rules` JSON to a decision at each closed bar.
//!
//! Three steps, each a plain function: [`plan()`] reads the rules leniently and either gives a complete, typed
//! [`Plan`] or refuses with reasons; [`evaluate()`] looks at closed bars and decides whether to open; [`manage()`] looks
//! at one open position and decides what its exits ask for. Rule numbers (R1, R2, …) are those of the platform
//! contract, §9.3.
//!
//! Pure: no clock, no IO, no randomness. What must never happen here: a guess. A condition that is empty, unknown
//! or not computable is never true; a key that nobody understood is refused by name; a plan without a direction, a
//! condition and a stop loss cannot be built.

mod chart;
mod clause;
mod closes;
mod condition;
mod direction;
mod ending;
mod entry;
mod evaluate;
mod exits;
mod filters;
mod glance;
mod indicator;
mod language;
mod ledger;
mod manage;
mod mirror;
mod order;
mod panel;
mod plan;
mod program;
mod reason;
mod risk;
mod sentence;
mod shapes;
#[cfg(test)]
mod tests;

pub use closes::{Closes, Correlation, Window};
pub use condition::{Condition, Operand, Operator};
pub use entry::{Term, Trigger};
pub use evaluate::{
    ConditionTruth, Decision, Evaluation, FilterVerdict, MarketView, awaited, check_bars, decision,
    evaluate, pip_of,
};
pub use exits::{
    Closing, Distance, Exits, MinuteOfWeek, NoProgress, PartialLevel, Parts, Start, StopAt,
    StopLoss, Target, Trailing, When,
};
pub use filters::{
    Allowances, AllowedSession, CalendarFault, CorrelationFilter, Day, DayFilter, DayTime, Filter,
    Filters, HighVolatility, HourFilter, Impact, Limit, Look, Matter, NewsCalendar, NewsEvent,
    NewsFilter, Pause, Peer, Regime, RegimeFilter, Session, SessionFilter, SpikeFilter,
    SpreadFilter, TrendFilter, Verdict, VolatilityFilter, VolumeFilter,
};
pub use indicator::{Band, Ichimoku, Series, Source};
pub use language::{Language, tell};
pub use ledger::{Fate, Key};
pub use manage::{Adjustment, MovedBy, Opened, PositionView, Touch, manage, next_touch};
pub use panel::{BarFault, Panel};
pub use plan::{Plan, PlanRequest, plan, plan_exits};
pub use program::{Finding, Program, Signal};
pub use reason::{AVERAGE_OR_PRICE, NO_DIRECTION, PlanRefusal, Reason, Rule, Skipped};
pub use risk::{AtrRisk, Limits, Loss, LossLimit, Period, Recovery, Sizing, TrackRecord};
