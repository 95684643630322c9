//! Strategies: started with proof, kept with their rules, resumed after a restart.

use serde_json::{Value, json};

use super::command::{Command, CommandName};
use super::durable::OpenCommand;
use super::effect::LogLevel;
use super::handle::{Verdict, count, details};
use super::record::Record;
use super::rules::StrategyEntry;
use super::snapshot::{Severity, StrategyState};
use super::start_words;
use super::step::Turn;
use crate::market::Side;
use crate::strategy::{self, Allowances, Plan, PlanRefusal, PlanRequest, Skipped};

impl Turn<'_> {
    pub fn start_strategy(&mut self, open: &OpenCommand) -> Verdict {
        let command = &open.command;
        if let Some(stop) = &self.durable().stop {
            return Verdict::failed(format!(
                "not started: the emergency stop is on ({}); lift it at the executor, then activate again",
                stop.reason
            ));
        }
        let mut wanted = match self.wanted(command) {
            Ok(wanted) => wanted,
            Err(error) => return Verdict::failed(error),
        };
        if self.was_paused_later(command) {
            wanted.state = StrategyState::Paused;
            "paused by a later order of the platform".clone_into(&mut wanted.reason);
        }
        // The rules of a later UPDATE are kept already.
        if let Some(known) = self.durable().strategies.get(&wanted.id)
            && self.was_updated_later(command)
        {
            wanted.rules.clone_from(&known.rules);
        }
        self.accept(&command.id, wanted)
    }

    pub fn update_strategy(&mut self, open: &OpenCommand) -> Verdict {
        let command = &open.command;
        let id = match command.text("strategyId") {
            Ok(id) => id.to_owned(),
            Err(error) => return Verdict::failed(error.to_string()),
        };
        // An activation before it may wait, or may still be on its way: then these rules take the place of its own.
        if let Some(wait) = self.start_is_waiting(command) {
            return wait;
        }
        let Some(known) = self.durable().strategies.get(&id).cloned() else {
            return self.await_activation(command, &id);
        };
        let rules = match start_words::rules_of_update(&command.args, &known) {
            Ok(rules) => rules,
            Err(error) => return Verdict::failed(error),
        };
        let wanted = StrategyEntry {
            rules: rules.clone(),
            direction: known.direction.or_else(|| self.chosen_direction(&id)),
            reason: "rules replaced".to_owned(),
            updated_at: self.now.utc,
            ..known
        };
        match wanted.state {
            StrategyState::Running | StrategyState::Paused => self.accept(&command.id, wanted),
            StrategyState::Stopped | StrategyState::Refused => self.keep_rules(wanted),
        }
    }

    /// New rules for a strategy that does not run: an update is no activation.
    fn keep_rules(&mut self, wanted: StrategyEntry) -> Verdict {
        let plan = match self.plan(&wanted) {
            Ok(plan) => plan,
            Err(refusal) => return self.refuse_start(wanted, &refusal),
        };
        let id = wanted.id.clone();
        self.record(Record::StrategyStored {
            strategy: StrategyEntry {
                state: StrategyState::Stopped,
                ..wanted
            },
        });
        self.plan_former();
        let runtime = self.runtime(plan);
        self.state.runtimes.insert(id, runtime);
        Verdict::done("rules replaced; the strategy is stopped: activate it to run them")
    }

    /// The strategy a START describes.
    pub fn wanted(&self, command: &Command) -> Result<StrategyEntry, String> {
        let text = |key| command.text(key).map_err(|error| error.to_string());
        let id = text("strategyId")?.to_owned();
        start_words::check_start(&command.args)?;
        let asked = |key| match command.args.get(key) {
            None | Some(Value::Null) => Ok(Value::Null),
            Some(Value::Array(list)) if list.is_empty() => Ok(Value::Null),
            Some(value) if value.is_object() => Ok(value.clone()),
            Some(_) => Err(format!(
                "its \"{key}\" is no object, so what it asks for is not known"
            )),
        };
        let rules = command.args.get("rules").filter(|value| value.is_object());
        let rules = rules.cloned().ok_or(
            "it carries no rules, so nothing can be run: an empty rule list is never true (was it a manual test event?)",
        )?;
        Ok(StrategyEntry {
            number: self.durable().strategy_number(&id),
            name: command.text("strategyName").unwrap_or(&id).to_owned(),
            symbol: text("symbol")?.trim().to_owned(),
            ordered_symbol: text("symbol")?.trim().to_owned(),
            timeframe: text("timeframe")?.to_owned(),
            rules,
            settings: asked("settings")?,
            options: asked("options")?,
            direction: self.chosen_direction(&id),
            state: StrategyState::Running,
            reason: "activated".to_owned(),
            updated_at: self.now.utc,
            given_at: command.told_at(),
            id,
        })
    }

    /// Runs a strategy once everything it needs is there: a plan, the symbol, and enough bars.
    fn accept(&mut self, command_id: &str, mut wanted: StrategyEntry) -> Verdict {
        let found = self.state.symbol(wanted.wanted_symbol());
        if let Ok(spec) = &found {
            wanted.symbol.clone_from(&spec.name);
        }
        let missing = found.err();
        let plan = match self.plan(&wanted) {
            Ok(plan) => plan,
            Err(refusal) => return self.refuse_start(wanted, &refusal),
        };
        let peers = self.state.named_peers(&plan).into_iter();
        let absent: Vec<String> = peers.filter_map(|(_, symbol)| symbol.err()).collect();
        let unfollowed = plan.fit_symbols(&absent);
        let skipped: Vec<Skipped> = (plan.skipped().iter())
            .chain(unfollowed.iter().flatten())
            .cloned()
            .collect();
        if let Some(known) = self.durable().strategies.get(&wanted.id)
            && known.state == StrategyState::Running
            && wanted.state == StrategyState::Running
            && same_strategy(known, &wanted)
            && (!self.state.terminal.up || self.runs_as(&wanted.id, &plan))
        {
            // It was meant to run at this later moment, too.
            if wanted.given_at > known.given_at {
                let strategy = StrategyEntry {
                    given_at: wanted.given_at,
                    ..known.clone()
                };
                self.record(Record::StrategyStored { strategy });
            }
            return Verdict::done(format!(
                "already running {}",
                running_words(&wanted, &plan, &skipped)
            ));
        }
        if !self.state.terminal.up {
            return Verdict::Wait {
                reason: "waiting for the terminal".to_owned(),
            };
        }
        if let Some(reason) = missing {
            return Verdict::failed(reason);
        }
        let Some(spec) = self.state.terminal.symbols.get(&wanted.symbol) else {
            return Verdict::failed(format!("the terminal has no symbol \"{}\"", wanted.symbol));
        };
        let mut notes = match plan.fit(spec) {
            Ok(notes) => notes,
            Err(refusal) => return self.refuse_start(wanted, &refusal),
        };
        notes.extend(self.calendar_note(&plan));
        if let Err(refusal) = unfollowed {
            return self.refuse_start(wanted, &refusal);
        }
        if !self.state.candidates.contains_key(command_id) {
            let runtime = self.runtime(plan.clone());
            self.state.candidates.insert(command_id.to_owned(), runtime);
        }
        if let Some((timeframe, have, needed)) = self.state.missing_bars(&plan) {
            return Verdict::Wait {
                reason: format!(
                    "waiting for bars of {} {timeframe}: {have} of {needed}",
                    wanted.symbol
                ),
            };
        }
        let candidate = self.state.candidates.get(command_id);
        if let Some((symbol, timeframe)) = candidate.and_then(|one| self.missing_series(one)) {
            return Verdict::Wait {
                reason: format!("waiting for bars of {symbol} {timeframe}"),
            };
        }
        self.begin(command_id, wanted, &plan, &skipped, &notes)
    }

    fn begin(
        &mut self,
        command_id: &str,
        wanted: StrategyEntry,
        plan: &Plan,
        skipped: &[Skipped],
        notes: &[String],
    ) -> Verdict {
        let mut words = running_words(&wanted, plan, skipped);
        if let Some(why) = self.state.standing_block(self.now) {
            words.push_str("; nothing is opened now: ");
            words.push_str(&why);
        }
        let replaced = self
            .durable()
            .strategies
            .get(&wanted.id)
            .is_some_and(|known| known.state == StrategyState::Running);
        let skipped: Vec<String> = skipped.iter().map(ToString::to_string).collect();
        let paused = wanted.state == StrategyState::Paused;
        let entry = wanted;
        if let Some(runtime) = self.state.candidates.remove(command_id) {
            self.state.runtimes.insert(entry.id.clone(), runtime);
        }
        self.drop_notice(&format!("direction:{}", entry.id));
        let sentence = plan.sentence();
        self.log(
            LogLevel::Info,
            "strategy",
            format!("{}: {sentence}", entry.name),
        );
        self.record(Record::StrategyStored { strategy: entry });
        self.plan_former();
        Verdict::Done {
            message: if paused {
                format!("paused; when it is resumed, it runs {words}")
            } else if replaced {
                format!("rules replaced for new entries; running {words}")
            } else {
                format!("running {words}")
            },
            details: details(&[
                ("plan", json!(sentence)),
                ("skipped", json!(skipped)),
                ("notes", json!(notes)),
            ]),
        }
    }

    /// Keeps a strategy that only lacks its direction, so that the trader can choose it.
    fn refuse_start(&mut self, wanted: StrategyEntry, refusal: &PlanRefusal) -> Verdict {
        let reasons: Vec<String> = refusal.reasons.iter().map(ToString::to_string).collect();
        let message = reasons.join("; ");
        if refusal.needs_reading {
            self.notice(
                &format!("reading:{}", wanted.id),
                Severity::Warning,
                &format!("\"{}\" compares a moving average with a bare number.", wanted.name),
                "Choose under Strategies what the number means, then activate it again on the platform.",
            );
        }
        if refusal.needs_direction {
            self.notice(
                &format!("direction:{}", wanted.id),
                Severity::Warning,
                &format!("\"{}\" does not say whether it buys or sells.", wanted.name),
                "Choose Buy or Sell under Strategies, then activate it again on the platform.",
            );
        }
        let running = self
            .durable()
            .strategies
            .get(&wanted.id)
            .is_some_and(|known| {
                matches!(known.state, StrategyState::Running | StrategyState::Paused)
            });
        if !running {
            self.record(Record::StrategyStored {
                strategy: StrategyEntry {
                    state: StrategyState::Refused,
                    direction: None,
                    reason: message.clone(),
                    ..wanted
                },
            });
            self.plan_former();
        }
        Verdict::Failed {
            message: if running {
                format!("{message}; what ran before goes on with its old rules")
            } else {
                message
            },
            details: details(&[("reasons", json!(reasons))]),
        }
    }

    pub fn plan(&self, strategy: &StrategyEntry) -> Result<Plan, PlanRefusal> {
        strategy::plan(&self.plan_request(strategy))
    }

    /// What gets its open positions out, also where it may open nothing by the settings of today.
    pub fn plan_exits(&self, strategy: &StrategyEntry) -> Result<Plan, PlanRefusal> {
        let request = self.plan_request(strategy);
        strategy::plan(&request).or_else(|_| strategy::plan_exits(&request))
    }

    /// What the trader chose for rules without a direction: for this strategy, else for all.
    fn chosen_direction(&self, id: &str) -> Option<Side> {
        let own = self.durable().directions.get(id).copied();
        own.or(self.state.config.default_direction)
    }

    fn plan_request<'a>(&'a self, strategy: &'a StrategyEntry) -> PlanRequest<'a> {
        PlanRequest {
            rules: &strategy.rules,
            settings: &strategy.settings,
            options: &strategy.options,
            symbol: &strategy.symbol,
            timeframe: &strategy.timeframe,
            local_direction: strategy
                .direction
                .or_else(|| self.chosen_direction(&strategy.id)),
            allowances: Allowances {
                numbers_are_averages: self.durable().averages.contains(&strategy.id),
                ..self.state.config.allowances()
            },
        }
    }

    /// While its START waits, what comes after it waits too, and is then done in order.
    fn start_is_waiting(&self, command: &Command) -> Option<Verdict> {
        let id = command.text("strategyId").ok()?;
        let waits = self.durable().open.values().any(|other| {
            other.command.known() == Some(CommandName::StartStrategy)
                && other.command.id != command.id
                && other.command.text("strategyId").ok() == Some(id)
        });
        waits.then(|| Verdict::Wait {
            reason: "waiting for this strategy's START".to_owned(),
        })
    }
}

fn same_strategy(known: &StrategyEntry, wanted: &StrategyEntry) -> bool {
    known.rules == wanted.rules
        && known.settings == wanted.settings
        && known.wanted_symbol() == wanted.wanted_symbol()
        && known.timeframe == wanted.timeframe
}

fn running_words(strategy: &StrategyEntry, plan: &Plan, skipped: &[Skipped]) -> String {
    let skipped = if skipped.is_empty() {
        "none".to_owned()
    } else {
        skipped
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "on {} {}; {}; skipped: {skipped}",
        strategy.symbol_words(),
        strategy.timeframe,
        count(plan.rule_count(), "rule", "rules"),
    )
}
