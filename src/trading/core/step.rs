//! One step: an event in, records and effects out.

use super::durable::Durable;
use super::effect::{BeatCause, Effect, LogLevel};
use super::event::Event;
use super::health::{Leg, LinkReport, Phase};
use super::record::Record;
use super::snapshot::{Notice, SELF_TEST, Severity, UiCommand};
use super::{Config, Now, State};
use crate::market::TerminalRequest;

/// The outcome of one event. Records must be stored, in this order and in one transaction, before any effect runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    pub records: Vec<Record>,
    pub effects: Vec<Effect>,
}

/// The state while one event is worked on.
pub(super) struct Turn<'a> {
    pub state: &'a mut State,
    pub now: Now,
    pub step: Step,
}

impl Turn<'_> {
    /// The only way to change what survives a restart.
    pub fn record(&mut self, record: Record) {
        self.state.durable.apply(&record);
        self.step.records.push(record);
    }

    pub fn effect(&mut self, effect: Effect) {
        self.step.effects.push(effect);
    }

    pub fn log(&mut self, level: LogLevel, source: &'static str, text: impl Into<String>) {
        self.effect(Effect::Log {
            level,
            source,
            text: text.into(),
        });
    }

    pub const fn durable(&self) -> &Durable {
        &self.state.durable
    }

    pub fn notice(&mut self, key: &str, severity: Severity, text: &str, remedy: &str) {
        let notice = Notice {
            key: key.to_owned(),
            severity,
            text: text.to_owned(),
            remedy: remedy.to_owned(),
            at: self.now.utc,
        };
        self.put_notice(notice);
    }

    fn put_notice(&mut self, notice: Notice) {
        let notices = &mut self.state.notices;
        notices.retain(|known| known.key != notice.key);
        notices.insert(0, notice);
        notices.truncate(50);
    }

    pub fn drop_notice(&mut self, key: &str) {
        self.state.notices.retain(|notice| notice.key != key);
    }

    /// A person has read it. An order in doubt stays in sight until its outcome is known.
    fn dismiss(&mut self, key: &str) {
        self.state
            .notices
            .retain(|notice| notice.key != key || notice.is_doubt());
    }

    pub fn link(&mut self, report: LinkReport) {
        let now = self.now.utc;
        self.state.connects_anew |= report.leg == Leg::Pusher && report.phase != Phase::Up;
        let link = self.state.link_mut(report.leg);
        if link.phase != report.phase {
            link.since = now;
        }
        link.phase = report.phase;
        link.detail = report.detail;
        link.retry_at = report.retry_at;
        link.attempts = report.attempts;
        if report.phase == Phase::Up {
            link.last_proof = Some(now);
            link.latency_ms = report.latency_ms.or(link.latency_ms);
        } else {
            link.latency_ms = None;
        }
    }

    fn ui(&mut self, command: UiCommand) {
        match command {
            UiCommand::StopEverything { reason } => self.stop_by_hand(&reason),
            UiCommand::LiftStop => self.lift_stop("lifted at this machine"),
            UiCommand::PauseTrading => self.pause_by_hand(),
            UiCommand::ResumeTrading => self.unpause_here(),
            UiCommand::PauseStrategy { id } => self.pause_strategy_by_hand(&id),
            UiCommand::ResumeStrategy { id } => self.resume_strategy_by_hand(&id),
            UiCommand::StopStrategy {
                id,
                close_positions,
            } => self.stop_strategy_by_hand(&id, close_positions),
            UiCommand::ChooseDirection { id, side } => self.choose_direction(&id, side),
            UiCommand::ReadNumbersAsAverages { id, on } => self.read_numbers_as_averages(&id, on),
            UiCommand::SetShadow { id, on } => self.set_shadow(&id, on),
            UiCommand::ClosePosition { ticket } => self.close_by_hand(ticket),
            UiCommand::Tell { notice } => self.put_notice(notice),
            UiCommand::DismissNotice { key } => self.dismiss(&key),
            UiCommand::ReconnectNow => self.restart_loops(),
            UiCommand::AfterSleep => self.after_sleep(),
            UiCommand::EndSoon { on } => self.end_soon(on),
            UiCommand::SelfTest => {
                self.drop_notice(SELF_TEST);
                self.effect(Effect::Terminal(TerminalRequest::SelfTest));
            }
            UiCommand::ConfirmAccount { account } => self.confirm_account(account),
            UiCommand::ForgetAccount { account } => self.forget_account(&account),
            UiCommand::ShowCommand { .. }
            | UiCommand::ShowCommandsBefore { .. }
            | UiCommand::ReloadSettings
            | UiCommand::Quit => {}
        }
    }
}

/// Works on one event.
pub fn step(state: &mut State, event: Event, now: Now) -> Step {
    let mut turn = Turn {
        state,
        now,
        step: Step::default(),
    };
    turn.notice_standstill();
    match event {
        Event::Started => {
            turn.tell_notes(&[]);
            turn.resume_after_restart();
        }
        Event::Tick => {}
        Event::Delivered(delivery) => turn.deliver(delivery, true),
        Event::HeartbeatAnswered { rows } => turn.deliver_batch(rows),
        Event::EmergencyBroadcast { data } => turn.emergency_broadcast(&data),
        Event::StrangeEvent { name } => turn.strange_event(&name),
        Event::Subscribed => {
            turn.state.frames_are_new |= turn.state.connects_anew;
            turn.effect(Effect::Beat(BeatCause::Regained));
        }
        Event::OwnerLearned { user_id } => turn.learn_owner(user_id),
        Event::Identified {
            executor_id,
            executor_name,
            platform_url,
            overrides,
        } => {
            turn.state.config.settings.overrides = overrides;
            turn.state.executor_id = Some(executor_id);
            turn.state.executor_name = executor_name;
            turn.state.platform_url = Some(platform_url);
        }
        Event::ClockMeasured {
            offset_ms,
            within_ms,
        } => turn.measure_clock(offset_ms, within_ms),
        Event::Link(report) => turn.link(report),
        Event::KeyRefused { reason } => turn.refuse_key(reason),
        Event::KeyAccepted => turn.accept_key(),
        Event::ReportAnswered {
            id,
            interim,
            outcome,
        } => turn.report_answered(&id, interim, outcome),
        Event::StoredAnswer { id, status, result } => turn.answer_again(id, status, result),
        Event::Terminal(event) => turn.terminal(event),
        Event::Ui(command) => turn.ui(command),
        Event::Configured(config) => turn.configure(config),
        Event::JournalFailed { reason } => turn.journal_failed(reason),
        Event::JournalRecovered => turn.journal_recovered(),
        Event::JournalLost => turn.pause_until_resumed_here(
            "paused: the journal was damaged or lost, and what was done before is not known",
        ),
        Event::Noticed(notice) => turn.put_notice(notice),
    }
    turn.progress();
    turn.step
}

impl Turn<'_> {
    /// Whatever the event was: look what can go on now.
    fn progress(&mut self) {
        self.progress_restart();
        self.progress_book();
        self.progress_undealt();
        self.progress_orders();
        self.progress_stops();
        self.progress_emergency();
        self.progress_commands();
        self.progress_reports();
        self.recall_openings();
        self.note_blocking();
    }

    fn configure(&mut self, config: Config) {
        // Known by the platform's answer alone, which does not come again for every change.
        let overrides = std::mem::take(&mut self.state.config.settings.overrides);
        let known = std::mem::take(&mut self.state.config.settings.notes);
        self.state.config = config;
        self.state.config.settings.overrides = overrides;
        let due = self.find_peers_again();
        self.watch_all(due);
        self.tell_notes(&known);
        self.refuse_what_cannot_run("the settings changed");
    }

    /// What the trader should know of his settings: in the window as long as it is so, in the log once.
    fn tell_notes(&mut self, known: &[String]) {
        const KEY: &str = "settings:";
        let of_settings = |notice: &Notice| notice.key.starts_with(KEY);
        self.state.notices.retain(|notice| !of_settings(notice));
        for (number, text) in self.state.config.settings.notes.clone().iter().enumerate() {
            let key = format!("{KEY}{number}");
            self.notice(&key, Severity::Warning, text, "");
            if !known.contains(text) {
                self.log(LogLevel::Warning, "settings", text.clone());
            }
        }
    }

    fn note_blocking(&mut self) {
        let reason = self.state.entry_block(self.now);
        match (&self.state.blocked_since, reason) {
            (_, None) => self.state.blocked_since = None,
            (Some((_, known)), Some(reason)) if *known == reason => {}
            (_, Some(reason)) => self.state.blocked_since = Some((self.now.utc, reason)),
        }
    }

    fn refuse_key(&mut self, reason: String) {
        if self.state.key_refused.is_none() {
            self.log(
                LogLevel::Error,
                "platform",
                format!("The platform refuses this executor: {reason}. No new positions; open ones stay managed."),
            );
        }
        self.notice(
            "key",
            Severity::Error,
            &format!("The platform refuses this executor: {reason}."),
            "Check the API key and secret in Settings; on the platform, check that the executor still exists.",
        );
        let since = self
            .state
            .key_refused
            .take()
            .map_or(self.now.utc, |(since, _)| since);
        self.state.key_refused = Some((since, reason));
    }

    fn accept_key(&mut self) {
        if self.state.key_refused.take().is_some() {
            self.drop_notice("key");
            self.log(
                LogLevel::Info,
                "platform",
                "The platform accepts this executor again.",
            );
        }
    }

    fn journal_failed(&mut self, reason: String) {
        if self.state.journal_broken.is_none() {
            self.log(
                LogLevel::Error,
                "journal",
                format!("The journal cannot be written: {reason}. No new positions and no new commands until it can."),
            );
        }
        self.notice(
            "journal",
            Severity::Error,
            &format!("The journal cannot be written: {reason}."),
            "Free some disk space or check the data folder's permissions. Commands wait on the platform meanwhile; stopping and closing still work.",
        );
        self.state.journal_broken = Some((self.now.utc, reason));
    }

    fn journal_recovered(&mut self) {
        self.state.journal_broken = None;
        self.state.held_back_told = false;
        self.drop_notice("journal");
        self.log(
            LogLevel::Info,
            "journal",
            "The journal can be written again.",
        );
        self.forget_flights();
        self.effect(Effect::Beat(BeatCause::Regained));
    }

    fn strange_event(&mut self, name: &str) {
        if self.state.strange_names.len() < 100 && self.state.strange_names.insert(name.to_owned())
        {
            let text = format!("An event arrived under a name nobody listens to: \"{name}\".");
            self.log(LogLevel::Warning, "pusher", text.clone());
            self.notice(
                &format!("strange:{name}"),
                Severity::Warning,
                &text,
                "The platform must send commands as \"command-received\", in exactly this spelling.",
            );
        }
    }
}
