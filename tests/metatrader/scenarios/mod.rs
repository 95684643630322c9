//! What a trader may rely on in the Expert Advisor, as scenarios: each starts a terminal, talks to it as the executor does
//! and looks at the broker's books. The same functions run on the shipped file, where all must hold, and on files with a
//! seeded defect, where one must fail (`defects.rs`).

mod accounts;
mod answers;
mod book;
mod emergency;
mod find;
mod handshake;
mod idempotency;
mod journal;
mod limits;
mod netting;
mod orders;
mod presence;
mod priority;
mod records;
mod refusals;
mod stop;

use std::time::Duration;

use crate::compile::Build;
use crate::emulated::{Emulated, Options};
use crate::harness::{ACCOUNT, Rig};
use crate::scripted::{Kind, Line, Peer};

/// Sessions of a week without a pause, so that the day on which the tests run does not matter.
const ALWAYS_OPEN: &str = "0:0:1440,1:0:1440,2:0:1440,3:0:1440,4:0:1440,5:0:1440,6:0:1440";

pub type Outcome = Result<(), String>;

/// Which Expert Advisor a scenario runs.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The shipped file's text when `None`.
    pub text: Option<String>,
    pub build: Build,
    pub link: Kind,
}

impl Variant {
    pub const SHIPPED: Self = Self {
        text: None,
        build: Build::Checked,
        link: Kind::Pipe,
    };
    pub const BY_TCP: Self = Self {
        link: Kind::Tcp,
        ..Self::SHIPPED
    };

    pub fn options(&self) -> Options {
        let mut options = Options::default()
            .setup("price EURUSD 1.10000 1.10010")
            .setup(&format!("symbol EURUSD tsess={ALWAYS_OPEN}"));
        options.text.clone_from(&self.text);
        options.build = self.build;
        options
    }

    pub fn rig(&self) -> Rig {
        Rig::start(self.link, self.options())
    }
}

#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub run: fn(&Variant) -> Outcome,
}

macro_rules! scenarios {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        pub const ALL: &[Scenario] = &[$(Scenario { name: stringify!($name), run: $module::$name }),+];

        mod on_the_shipped_file {
            $(
                #[test]
                fn $name() {
                    super::$module::$name(&super::Variant::SHIPPED).unwrap();
                }
            )+
        }

        mod by_tcp {
            $(
                #[test]
                fn $name() {
                    super::$module::$name(&super::Variant::BY_TCP).unwrap();
                }
            )+
        }
    };
}

scenarios! {
    handshake::a_stranger_is_not_obeyed,
    handshake::nothing_is_done_before_ok,
    handshake::every_line_is_counted,
    handshake::it_says_that_it_lives,
    handshake::another_account_is_greeted_anew,
    handshake::a_damaged_line_is_told_and_dropped,
    handshake::what_changes_is_told,
    handshake::it_says_what_it_waits_for,
    handshake::a_refusal_names_the_true_reason,
    handshake::a_broken_link_takes_its_orders_along,
    handshake::a_nonce_never_comes_twice,
    handshake::half_a_line_ends_with_its_link,
    handshake::a_line_without_end_ends_the_link,
    idempotency::the_same_order_twice_is_one_deal,
    idempotency::a_refusal_is_final,
    idempotency::a_lost_answer_is_looked_for,
    idempotency::what_may_have_been_sent_is_not_sent_again,
    idempotency::the_terminal_itself_remembers,
    idempotency::another_programs_deal_is_not_ours,
    idempotency::a_change_in_doubt_is_judged_by_all_it_named,
    idempotency::a_switch_turned_at_the_last_moment_leaves_no_doubt,
    journal::a_crash_while_sending_makes_no_second_deal,
    journal::the_memory_outlives_the_terminal,
    journal::without_a_journal_nothing_is_sent,
    journal::closing_needs_no_journal,
    journal::a_torn_record_costs_only_itself,
    journal::a_locked_journal_is_waited_for,
    journal::a_large_journal_is_rewritten,
    journal::a_rewritten_journal_keeps_the_stop,
    journal::only_our_leftovers_are_cancelled,
    journal::a_full_memory_keeps_what_is_in_doubt,
    journal::a_huge_journal_is_read_from_its_end,
    find::it_says_where_an_order_is,
    find::an_absence_needs_a_steady_connection,
    find::a_filled_order_is_not_denied,
    find::a_deal_of_the_future_is_found,
    find::a_history_that_grows_proves_no_absence,
    orders::the_order_is_what_was_asked,
    orders::the_filling_is_the_brokers,
    orders::a_pending_order_keeps_its_limit_and_its_end,
    refusals::an_old_order_is_refused,
    refusals::an_order_that_waited_is_refused,
    refusals::an_order_for_another_account_is_refused,
    refusals::the_price_may_not_run_away,
    refusals::a_clock_that_is_set_gives_no_second_life,
    refusals::no_stop_no_order,
    refusals::a_pending_order_keeps_its_stop,
    orders::a_part_is_closed,
    orders::a_position_closes_another_of_ours,
    refusals::a_forbidden_order_names_the_switch,
    refusals::a_closed_or_silent_market_is_not_traded,
    orders::busy_is_said_before_sending,
    orders::levels_are_kept_unless_named,
    refusals::a_strangers_position_is_not_touched,
    orders::netting_adds_up,
    orders::each_execution_mode_is_traded,
    orders::the_identifier_names_the_position,
    orders::the_answer_leaves_no_rest,
    refusals::a_wrong_clock_makes_no_price_old,
    refusals::a_check_sends_nothing,
    refusals::a_strange_client_id_is_refused,
    refusals::the_deviation_is_given_once,
    refusals::a_number_too_long_is_no_number,
    emergency::flat_takes_ours_off_and_stays,
    emergency::flat_does_not_give_up,
    emergency::flat_does_not_close_twice,
    emergency::the_dead_man_cancels_what_is_pending,
    emergency::the_dead_man_closes_when_told,
    emergency::what_fails_is_tried_again,
    emergency::flat_goes_on_after_a_restart,
    emergency::flat_goes_before_what_waits,
    emergency::flat_goes_before_more_than_may_wait,
    emergency::flat_closes_once_over_a_restart,
    emergency::what_fills_after_a_restart_is_closed_at_once,
    emergency::flat_is_of_one_account,
    emergency::the_dead_man_waits_for_the_button,
    emergency::what_fills_meanwhile_is_closed_too,
    emergency::who_waits_beside_a_served_one_takes_nothing_off,
    netting::only_our_part_is_closed,
    netting::a_position_that_others_turned_is_not_closed,
    netting::what_others_took_away_is_not_ours,
    netting::a_late_list_is_not_closed_again,
    netting::flat_leaves_the_traders_part,
    netting::a_late_history_makes_nothing_ours,
    netting::what_nobody_knows_is_closed_when_the_history_comes,
    netting::a_rewritten_journal_knows_what_flat_closed,
    accounts::fills_count_on_their_own_account,
    accounts::an_answer_is_of_the_account_that_was_asked,
    accounts::an_account_that_changes_before_sending_gets_nothing,
    accounts::flat_ends_with_its_account,
    accounts::what_flat_holds_back_is_of_one_account,
    book::a_snapshot_is_never_torn,
    book::rates_neither_overlap_nor_skip,
    book::each_bar_comes_once_when_it_has_closed,
    book::text_survives_the_line,
    priority::an_order_does_not_wait_for_a_list,
    priority::a_ping_does_not_wait_for_a_list,
    priority::too_many_orders_are_refused,
    priority::a_link_that_breaks_among_bars_ends_nothing,
    presence::a_silent_program_is_left,
    presence::who_answers_nothing_is_left,
    presence::a_goodbye_ends_the_link,
    presence::it_says_why_it_goes,
    presence::the_next_attempt_is_never_far,
    presence::a_terminal_that_stood_still_is_not_forsaken,
    records::a_close_in_doubt_is_not_rewritten_away,
    records::a_journal_and_its_successor_are_told_apart,
    records::a_rewriting_that_fails_costs_nothing,
    records::a_stop_is_read_from_a_huge_journal,
    records::a_damaged_record_is_not_believed,
    records::an_old_doubt_holds_nothing_back,
    records::an_older_record_lifts_no_stop,
    answers::a_market_order_that_is_only_accepted_is_not_done,
    answers::a_market_order_that_still_works_is_not_done,
    answers::a_change_that_met_another_is_in_doubt,
    answers::what_ended_without_a_deal_is_told_as_it_ended,
    answers::a_history_that_cannot_be_read_sends_nothing,
    answers::a_filled_order_without_its_deal_is_not_sent_again,
    answers::a_close_is_found_without_the_journal,
    answers::an_answer_names_its_position_before_the_history_does,
    limits::a_falling_price_runs_away_from_a_sell,
    limits::a_request_without_a_deviation_has_a_small_one,
    limits::a_session_lasts_to_its_end,
    limits::what_adds_risk_is_late_and_what_ends_it_is_not,
    limits::an_order_made_by_the_time_before_is_as_old_as_it_says,
    limits::a_pending_order_lives_as_long_as_asked,
    limits::a_check_names_the_switch,
    limits::closing_asks_nobody_first,
    limits::a_close_of_nothing_closes_nothing,
    limits::the_same_order_is_known_by_what_it_orders,
    limits::a_symbol_that_nobody_watches_is_closed,
    stop::a_stop_needs_no_journal,
    stop::a_stop_is_said_in_full_or_not_at_all,
    stop::what_cannot_be_taken_off_is_tried_less_often,
    stop::what_was_refused_before_a_restart_is_tried_again,
    stop::a_crash_within_a_close_makes_no_second_one,
    accounts::flat_looks_at_the_account_before_it_sends,
    find::a_deal_of_before_is_found,
    find::an_absence_needs_a_connection_all_the_while,
    netting::a_strangers_position_is_safe_while_the_history_is_late,
    netting::a_close_that_waits_for_the_history_may_be_repeated,
    netting::what_was_filled_is_counted_once,
    netting::a_fill_of_an_earlier_position_makes_nothing_ours,
    book::rows_say_what_the_broker_says,
    book::bars_of_a_busy_time_all_come,
    stop::a_mask_that_is_wrong_leaves_nothing_open,
    find::a_refused_change_is_refused_after_a_restart,
    book::a_part_that_is_closed_is_seen,
    find::an_absence_is_not_proved_right_after_a_connection,
    idempotency::a_lost_answer_of_days_ago_is_found,
    idempotency::what_was_found_once_stays_known,
}

/// A wait that should be short.
pub const BRIEF: Duration = Duration::from_secs(8);

/// `Err` with what was expected, what came, and where the broker's books stand.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err(format!($($why)+));
        }
    };
}
pub(crate) use ensure;

/// Client ids as the executor makes them.
pub fn cid(n: u64) -> u64 {
    (0x46 << 56) | (7 << 40) | n
}

/// The fields all order lines begin with, made now and good for ten seconds.
pub fn head(terminal: &Emulated, cid: u64) -> String {
    format!(
        "cid={cid}\tacct={ACCOUNT}\tttl_ms=10000\tmade_ms={}",
        terminal.stat("server_ms")
    )
}

/// An ORDER that buys 0.1 lots of EURUSD with a stop; a field in `changes` replaces the usual one.
pub fn buy(terminal: &Emulated, cid: u64, changes: &[(&str, &str)]) -> String {
    let mut fields: Vec<(String, String)> = format!(
        "{}\taction=deal\tsym=EURUSD\ttype=buy\tvol=0.10\tprice=0\tstoplimit=0\tsl=1.09000\ttp=0\tdev=20\tfill=auto\tttype=gtc\texp=0\ttag=t\tmax_spread=\tnostop=0",
        head(terminal, cid)
    )
    .split('\t')
    .filter_map(|field| field.split_once('='))
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    for (key, value) in changes {
        match fields.iter_mut().find(|(name, _)| name == key) {
            Some(field) => (*value).clone_into(&mut field.1),
            None => fields.push(((*key).to_owned(), (*value).to_owned())),
        }
    }
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    fields.join("\t")
}

/// A line that must come soon.
pub fn soon(peer: &Peer, what: &str, fits: impl Fn(&Line) -> bool) -> Result<Line, String> {
    peer.try_take(fits, BRIEF).ok_or_else(|| {
        let waiting: Vec<String> = peer.waiting().into_iter().map(|line| line.raw).collect();
        format!("no {what}; waiting lines:\n{}", waiting.join("\n"))
    })
}

/// `Err` with `otherwise` unless it comes true in time.
pub fn within(
    limit: Duration,
    terminal: &Emulated,
    otherwise: &str,
    is_so: impl Fn(&Emulated) -> bool,
) -> Outcome {
    let until = std::time::Instant::now() + limit;
    while !is_so(terminal) {
        if std::time::Instant::now() >= until {
            return Err(format!(
                "{otherwise}\n{}{}",
                terminal.picture(),
                terminal.logs().join("\n")
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Asks and takes the answer of `kind`.
pub fn ask(peer: &Peer, request: &str, fields: &str, kind: &str) -> Result<Line, String> {
    let id = peer.request(request, fields);
    let line = soon(peer, &format!("{kind} for {request} {fields}"), |line| {
        line.is(kind, id) || line.is("ERR", id)
    })?;
    if line.kind == kind {
        Ok(line)
    } else {
        Err(format!("{request}: {}", line.raw))
    }
}

/// Sends an order line and takes its RES.
pub fn res(peer: &Peer, kind: &str, fields: &str) -> Result<Line, String> {
    ask(peer, kind, fields, "RES")
}

/// `Err` unless the fields of `line` are these.
pub fn has(line: &Line, wanted: &[(&str, &str)]) -> Outcome {
    for (key, value) in wanted {
        let is = line.fields.get(*key).map_or("(absent)", String::as_str);
        ensure!(is == *value, "{key} is {is}, not {value}: {}", line.raw);
    }
    Ok(())
}

/// An order that must be done, and its RES.
pub fn done(rig: &Rig, kind: &str, fields: &str) -> Result<Line, String> {
    let line = res(&rig.peer, kind, fields)?;
    has(&line, &[("ok", "1"), ("stage", "done")])?;
    Ok(line)
}

/// FLAT: its END, which says what is left.
pub fn flat(rig: &Rig, n: u64, on: u8) -> Result<Line, String> {
    let head = head(&rig.terminal, cid(n));
    let id = rig
        .peer
        .request("FLAT", &format!("{head}\ton={on}\treason=test"));
    soon(&rig.peer, "END of FLAT", |line| line.is("END", id))
}

/// A CLOSE of the position with this ticket and identifier; `vol` empty: all that is ours.
pub fn close(terminal: &Emulated, n: u64, ticket: &str, vol: &str) -> String {
    let head = head(terminal, cid(n));
    format!("{head}\tticket={ticket}\tident={ticket}\tvol={vol}\tdev=\tfill=auto")
}

/// The timer has come so often since: whatever it does by itself, it had the chance to.
pub fn after_timers(rig: &Rig, count: i64) -> Outcome {
    let before = rig.terminal.stat("timers");
    within(2 * BRIEF, &rig.terminal, "the timer stands", |terminal| {
        terminal.stat("timers") >= before + count
    })
}

/// Number of OrderSend calls so far.
pub fn sends(terminal: &Emulated) -> i64 {
    terminal.stat("sends")
}

/// Where the terminal's journal lies.
pub fn journal(terminal: &Emulated) -> std::path::PathBuf {
    terminal
        .folders
        .files()
        .join("FX-Executor/journal-main.txt")
}
