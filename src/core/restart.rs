//! What begins with the program: the owner is learned, strategies go on, orders without outcome are looked for.

use super::effect::LogLevel;
use super::record::Record;
use super::rules::StrategyEntry;
use super::snapshot::{Severity, StrategyState};
use super::step::Turn;

impl Turn<'_> {
    pub fn learn_owner(&mut self, user_id: String) {
        if self.durable().owner.as_ref() != Some(&user_id) {
            self.record(Record::OwnerLearned { user_id });
        }
        self.judge_held_broadcasts();
    }

    /// After the journal was read: strategies go on, orders without outcome are looked for.
    pub fn resume_after_restart(&mut self) {
        let strategies: Vec<StrategyEntry> = self.durable().strategies.values().cloned().collect();
        for strategy in strategies {
            let refusal = self.plan(&strategy).err();
            if let Ok(plan) = self.plan_exits(&strategy) {
                let runtime = self.runtime(plan);
                self.state.runtimes.insert(strategy.id.clone(), runtime);
            }
            if let Some(refusal) = refusal
                && matches!(
                    strategy.state,
                    StrategyState::Running | StrategyState::Paused
                )
            {
                let reason = refusal
                    .reasons
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; ");
                let text = format!(
                    "\"{}\" ran before the restart and cannot run now: {reason}.",
                    strategy.name
                );
                self.notice(
                    &format!("strategy:{}", strategy.id),
                    Severity::Error,
                    &text,
                    "Activate it again on the platform.",
                );
                self.log(LogLevel::Error, "strategy", text);
                self.set_strategy(&strategy.id, StrategyState::Refused, &reason);
            }
        }
        self.plan_former();
        if self.durable().stop.is_some() {
            self.notice(
                "emergency",
                Severity::Error,
                "The emergency stop is on. No position can be opened.",
                "When you have looked at the account, lift it here; nothing else can.",
            );
        }
        self.effect(super::Effect::Beat(super::BeatCause::Event));
    }
}
