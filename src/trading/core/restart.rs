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
            if let Ok(plan) = self.plan_exits(&strategy) {
                let runtime = self.runtime(plan);
                self.state.runtimes.insert(strategy.id.clone(), runtime);
            }
        }
        self.doubt_ages_after_restart();
        self.doubt_times_after_restart();
        let stopped = self.durable().stop.is_some();
        if stopped {
            self.stop_strategies();
        }
        self.refuse_what_cannot_run("the restart");
        self.plan_former();
        if stopped {
            self.notice(
                "emergency",
                Severity::Error,
                "The emergency stop is on. No position can be opened.",
                "When you have looked at the account, lift it here.",
            );
        }
        self.effect(super::Effect::Beat(super::BeatCause::Event));
    }

    /// Strategies that ran until now and may not by the settings of today open nothing more. Their positions keep their exits.
    pub fn refuse_what_cannot_run(&mut self, since: &str) {
        let runs = |strategy: &&StrategyEntry| {
            matches!(
                strategy.state,
                StrategyState::Running | StrategyState::Paused
            )
        };
        let refused: Vec<(String, String, String)> = self
            .durable()
            .strategies
            .values()
            .filter(runs)
            .filter_map(|strategy| {
                let reasons = self.plan(strategy).err()?.reasons;
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                Some((
                    strategy.id.clone(),
                    strategy.name.clone(),
                    reasons.join("; "),
                ))
            })
            .collect();
        for (id, name, reason) in refused {
            let text = format!("\"{name}\" ran before {since} and cannot run now: {reason}.");
            self.notice(
                &format!("strategy:{id}"),
                Severity::Error,
                &text,
                "Activate it again on the platform.",
            );
            self.log(LogLevel::Error, "strategy", text);
            self.set_strategy(&id, StrategyState::Refused, &reason);
        }
    }
}
