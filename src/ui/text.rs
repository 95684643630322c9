//! Every sentence of the window, in one typed catalogue: a second language is a second value of [`Text`] and cannot
//! miss an entry. `{}` marks where a value goes; see [`fill`].

use crate::core::health::{Leg, Light};
use crate::core::snapshot::{CommandRow, CommandState, Source};

/// `Type, CONSTANT, part: its type = its English; entry = "English"; …`
macro_rules! catalogue {
    ($type:ident, $constant:ident $(, $part:ident: $part_type:ty = $part_english:expr)*;
     $($name:ident = $english:literal;)*) => {
        /// One language.
        #[derive(Clone, Copy, Debug)]
        pub struct $type { $(pub $part: $part_type,)* $(pub $name: &'static str,)* }

        pub const $constant: $type = $type { $($part: $part_english,)* $($name: $english,)* };

        impl $type {
            /// The same catalogue with every entry passed through `change`; layout tests lengthen strings with it.
            #[must_use]
            pub fn map(&self, change: impl Fn(&'static str) -> &'static str) -> Self {
                Self {
                    $($part: self.$part.map(&change),)*
                    $($name: change(self.$name),)*
                }
            }
        }
    };
}
pub(super) use catalogue;

use super::text_metatrader::{METATRADER_ENGLISH, MetaTraderText};
use super::text_update::{UPDATE_ENGLISH, UpdateText};

catalogue! {
    Text, ENGLISH, mt: MetaTraderText = METATRADER_ENGLISH, up: UpdateText = UPDATE_ENGLISH;
    app = "FX Executor";
    paper = "PAPER";
    paper_hint = "Simulated terminal. No real money is involved.";
    not_named = "not registered yet";
    nav_overview = "Overview";
    nav_commands = "Commands";
    nav_strategies = "Strategies";
    nav_positions = "Positions";
    nav_journal = "Journal";
    nav_metatrader = "MetaTrader";
    nav_settings = "Settings";
    leg_platform = "Platform";
    leg_pusher = "Pusher";
    leg_channel = "Channel";
    leg_mt5 = "MT5";
    leg_paper = "MT5 (paper)";
    leg_trading = "Trading";
    explain_platform = "HTTP link to the web platform. Proven by an answered heartbeat.";
    explain_pusher = "The socket over which commands arrive at once. Proven by any received frame.";
    explain_channel = "The subscription of this executor's private channel. Proven together with the socket.";
    explain_mt5 = "The terminal that executes orders. Proven by its sign of life.";
    explain_trading = "Whether new positions may be opened. Closing is always possible.";
    light_off = "Off";
    light_working = "Connecting";
    light_good = "Up";
    light_stale = "Stale";
    light_retrying = "Retrying";
    light_failed = "Failed";
    trading_on = "On";
    trading_closed = "Market closed";
    opens_at = "opens {}";
    opens_closed = "{} is closed";
    opens_later = "{} is closed, opens {}";
    trading_paused = "Paused";
    trading_stopped = "Stopped";
    trading_blocked = "Blocked";
    for_span = "for {}";
    proof_age = "last proof {} ago";
    no_proof = "no proof yet";
    retry_in = "retry in {}";
    retry_now = "retrying now";
    no_retry = "no retry; F5 tries again";
    no_retry_terminal = "it connects by itself";
    retry_with_pusher = "when Pusher is up";
    seen_ago = "seen {} ago";
    attempts = "{} failed attempts";
    stop_everything = "Stop everything";
    stop_title = "Stop everything now?";
    stop_body = "New positions are locked. Of this program: pending orders cancelled: {}, positions closed at the market: {}. Positions opened by hand are left alone. The lock stays, also over a restart, until you lift it here.";
    stop_confirm = "Stop everything now";
    stop_reason = "stopped in the window";
    cancel = "Cancel";
    close = "Close";
    latched_title = "EMERGENCY STOP";
    latched_since = "Nothing new is opened since {}. Reason: {}";
    latched_complete = "All own positions are closed and all own orders are cancelled.";
    latched_kept = "Complete. Still open, because it was opened after this old stop was given or its account was forgotten:";
    latched_working = "Still closing:";
    lift = "Lift the stop…";
    lift_title = "Lift the emergency stop?";
    lift_body = "Commands may open positions again at once; strategies stay stopped until they are activated again. Lift it only when you know why it was stopped ({}).";
    lift_confirm = "Allow new positions again";
    pause = "Pause trading";
    resume = "Resume trading";
    paused_banner = "Trading is paused since {}: {}. Exits go on.";
    blocked_banner = "New positions are impossible: {}";
    theme_system = "Theme: system";
    theme_dark = "Theme: dark";
    theme_light = "Theme: light";
    reconnect = "Reconnect now";
    reconnect_hint = "Press F5 to try every connection again at once; a click on a light offers the same.";
    busy = "The engine has not taken the last {} requests yet; they are kept and sent again.";
    engine_silent = "The engine has said nothing for {}: it hangs. Nothing here is current and no button is heard. Look after open positions in MetaTrader, then end this program and start it again.";
    engine_gone = "The engine has ended. This window shows its last picture.";
    market_time = "market {}";
    utc_time = "UTC {}";
    clock_off = "this computer's clock is {} off the platform's";
    unreported_one = "1 answer not yet at the platform";
    unreported = "{} answers not yet at the platform";
    last_command = "Last command";
    no_command = "No command yet";
    no_command_practice = "Open the practice page and press Activate on a strategy: {}";
    no_command_live = "Activate a strategy on the web platform; it arrives here within seconds.";
    no_command_setup = "Fill in Settings first: the platform's address, the API key and its secret.";
    open_settings = "Open Settings";
    open_practice = "Open the practice page";
    running_now = "Running now";
    nothing_runs = "No strategy runs";
    all_commands = "All commands";
    all_strategies = "All strategies";
    account = "Account";
    no_account = "No account yet";
    no_account_hint = "Figures appear when the terminal is connected.";
    balance = "Balance";
    equity = "Equity";
    margin = "Margin";
    free_margin = "Free margin";
    margin_level = "Margin level";
    floating = "Floating profit";
    demo = "demo";
    live = "LIVE MONEY";
    needs_you = "Needs you";
    remedy_platform = "Check the platform's address, the proxy and the API key in Settings. F5 tries again.";
    remedy_pusher = "Check the Pusher key, cluster and host with the platform; a value in Settings wins over the platform's. F5 tries again.";
    remedy_channel = "Check the API key and secret in Settings, and on the platform that this executor still exists. F5 tries again; until then commands arrive with the heartbeats only.";
    remedy_terminal = "See the MetaTrader page.";
    remedy_settings = "Correct it in Settings.";
    nothing_needed = "Nothing needs you";
    nothing_needed_hint = "Warnings and what to do about them appear here.";
    dismiss = "Dismiss";
    today = "Commands so far";
    practice_again = "Activate another strategy on the practice page: {}";
    col_time = "Time";
    col_command = "Command";
    col_subject = "Subject";
    col_source = "Source";
    col_state = "State";
    col_duration = "Duration";
    col_result = "Result";
    filter = "Filter";
    filter_commands = "Filter by command, subject, id or result";
    all_states = "All states";
    load_older = "Load older";
    only_loaded = "The filter looked at the newest {} commands; older ones are loaded first.";
    rows_shown = "{} of {}";
    no_match = "Nothing matches the filter";
    no_match_hint = "Clear the filter to see all.";
    clear = "Clear filter";
    unnamed = "(no command name)";
    repeated = "delivered {} more times";
    detail_loading = "Reading the journal…";
    timeline = "Timeline";
    result = "Result sent to the platform";
    no_result = "None yet";
    envelope = "Envelope as received";
    copy = "Copy";
    what_happened = "What happened";
    hide_detail = "Close the details";
    filter_journal = "Filter by source or text";
    level_all = "All levels";
    level_info = "Info and worse";
    level_warning = "Warnings and worse";
    level_error = "Errors";
    follow = "Follow";
    pause_log = "Pause";
    new_lines = "{} new";
    open_folder = "Open folder";
    copy_lines = "Copy shown";
    col_message = "Message";
    journal_empty = "The journal is empty";
    journal_empty_hint = "Everything that the program does is written here as it happens.";
    lines_lost = "{} lines passed too fast for this window; the log file has them";
    strategies_empty = "No strategies yet";
    state_running = "Running";
    state_paused = "Paused";
    state_stopped = "Stopped";
    state_refused = "Refused";
    choose_reading = "It compares a moving average with a bare number, which may be a price or the length of another average. Only you know.";
    read_as_averages = "The number is the length of an average";
    averages_chosen = "Numbers beside moving averages are lengths of averages, as you chose.";
    averages_take_back = "Take back";
    why_title = "Why: the conditions at the bar of {}";
    why_alternative = "{}, alternative {}";
    why_only = "the only one missing";
    shadow = "Shadow mode: decide, but order nothing";
    shadow_help = "Entries and exits are thought at the real prices and shown, and nothing is ordered. Positions that are open already stay managed.";
    shadow_so_far = "{} trades thought, result {} (before commission and swap; forgotten at a restart)";
    last_decision = "Last decision";
    no_decision = "none yet";
    warmup = "Collecting bars: {} of {}";
    skipped = "Not understood and skipped: {}";
    open_position_one = "1 position";
    open_positions = "{} positions";
    choose_direction = "Its rules do not say which way to trade. Choose once for this strategy:";
    choose_buy = "Buy only";
    choose_sell = "Sell only";
    choose_refuse = "Refuse it";
    confirm_direction = "Allow {} to {}?";
    word_buy = "buy";
    word_sell = "sell";
    yes_allow = "Yes, allow";
    yes_refuse = "Yes, refuse";
    confirm_refuse = "Leave {} without a direction? It will not trade.";
    direction_is = "Direction chosen here: {}";
    pause_one = "Pause";
    resume_one = "Resume";
    stop_one = "Stop…";
    stop_one_title = "Stop {}?";
    stop_one_body = "It takes no further decisions. Its open positions: {}.";
    stop_one_keep = "Stop, keep positions";
    stop_one_close = "Stop and close positions";
    positions = "Positions";
    orders = "Pending orders";
    positions_empty = "No open positions";
    positions_empty_hint = "What the terminal holds is listed here, whoever opened it.";
    orders_empty = "No pending orders";
    col_ticket = "Ticket";
    col_symbol = "Symbol";
    col_side = "Side";
    col_volume = "Lots";
    col_open = "Open";
    col_current = "Current";
    col_price = "Price";
    col_sl = "S/L";
    col_tp = "T/P";
    col_profit = "Profit";
    col_owner = "Opened by";
    col_kind = "Type";
    owner_foreign = "somebody else";
    owner_own = "this program";
    part_of = "{} of {}";
    close_title = "Close position {}?";
    close_body = "{} {} lots {}, profit now {}. It is closed at the market.";
    close_part = "{} of the {} lots {} are this program's and are closed at the market. The rest is somebody else's and stays.";
    close_foreign = "Not opened by this program; close it in MetaTrader.";
    close_confirm = "Close it now";
    close_label = "Close position {}";
    total = "Total";
    settings_needed = "What the platform gave you";
    settings_rest = "Supplied by the platform";
    settings_rest_hint = "Leave these empty: the platform supplies them. A value here wins over the platform's.";
    settings_file = "Settings file: {}";
    settings_no_file = "No settings file yet; Save makes one.";
    settings_secret = "The secret is kept in: {}";
    settings_overrides = "Values of the file that win over the platform's";
    settings_problem = "The settings cannot be used, and nothing is opened: {}";
    settings_loading = "Reading the settings…";
    field_platform_url = "Platform address";
    field_api_key = "API key";
    field_api_secret = "API secret";
    field_executor_id = "Executor id";
    field_pusher_key = "Pusher key";
    field_pusher_cluster = "Pusher cluster";
    field_pusher_host = "Pusher host";
    field_pusher_port = "Pusher port";
    field_pusher_tls = "Encrypted connection";
    field_pusher_path = "Pusher path";
    field_proxy = "Proxy";
    help_platform_url = "As in the browser's address bar, for example https://app.example.com";
    help_api_key = "On the platform: Executors, your executor, API key.";
    help_api_secret = "Shown once on the platform when the key was made.";
    help_executor_id = "Follows from the API key.";
    help_pusher_key = "The public key of the platform's Pusher app.";
    help_pusher_cluster = "For example ap1, eu or mt1.";
    help_pusher_host = "Only for a Pusher-compatible server of your own.";
    help_pusher_port = "443 unless the server is your own.";
    help_pusher_tls = "true: wss. false: ws, only for a server on this computer.";
    help_pusher_path = "A path before /app; almost always empty.";
    help_proxy = "http://host:port; empty uses the system's.";
    settings_local = "This computer";
    settings_local_hint = "No command can loosen these.";
    field_terminal = "Terminal";
    field_max_lots = "Most lots per order";
    field_max_positions = "Most open positions";
    field_max_daily_loss = "Largest daily loss";
    field_resume_lifts = "RESUME lifts the stop";
    field_common_files = "MetaTrader's shared folder";
    help_common_files = "Terminal\\Common\\Files. Empty on Windows, where it is known; needed for a MetaTrader under Wine.";
    field_autostart = "Start with Windows";
    help_autostart = "true: Windows starts FX Executor when you sign in.";
    field_keep_awake = "Stay awake";
    help_keep_awake = "true: the computer does not go to sleep by itself while a strategy runs; the lid and the sleep button still count.";
    field_restart = "Restart when it hangs";
    help_restart = "true: when the engine hangs for 30 s or has failed, the program ends and starts itself again; once in ten minutes.";
    held_awake = "Sleep is held off while strategies run";
    field_close_button = "Close button";
    help_close_button = "tray: the window goes, the program keeps running beside the clock. end: the program ends. ask: asks once.";
    field_toasts = "Notifications";
    field_update_url = "Updates";
    help_update_url = "Where a newer version is offered: an https:// address or the whole path of a file. Empty: nothing is looked for.";
    help_toasts = "What Windows shows: filled, failed, refused, stop, terminal, with commas between them. Empty: all of them. none: none.";
    leave_title = "Keep running in the tray?";
    leave_body = "FX Executor can go on trading beside the clock, where a click brings the window back. When it ends, open positions stay as they are and strategies decide no more. Settings can change the answer later.";
    leave_tray = "Keep running in the tray";
    leave_end = "End the program";
    field_guard_daily = "Guard: daily loss of equity";
    help_guard_daily = "Opening stops, until resumed here, once equity is so far below where the day began; 500, or 5% of the start balance.";
    field_guard_daily_warning = "Warning: daily loss";
    help_guard_daily_warning = "A notice comes once equity has fallen so far on a day.";
    field_guard_total = "Guard: total loss of equity";
    help_guard_total = "The same below the start balance, which must be filled in; 1000 or 10%.";
    field_guard_total_warning = "Warning: total loss";
    help_guard_total_warning = "A notice comes once equity is so far below the start balance.";
    field_guard_start = "Start balance";
    help_guard_start = "What the account began with, in its currency.";
    field_guard_zone = "The guards' time zone";
    help_guard_zone = "By whose midnight the firm's day begins: Europe/Prague, or +02:00; empty: UTC.";
    field_direction = "Strategies without a direction";
    help_direction = "Strategies made with the platform's form never say whether they buy or sell. Refuse asks you for each one in Strategies; buy and sell are taken for all of them without asking.";
    field_run_without = "Run without these filters";
    help_run_without = "A strategy that asks for a filter this program cannot compute is refused. Named here, it runs without: news, correlation, riskSentiment, regime.";
    field_news_calendar = "News calendar";
    help_news_calendar = "A CSV file with the columns time (UTC), currency, impact (high, medium, low), title; strategies pause around its events.";
    field_symbol_map = "Symbol map";
    help_symbol_map = "Only where the broker names a symbol in its own way and the program asks: XAUUSD=GOLD, US30=DJ30.c";
    help_terminal = "paper: simulated, no money is involved. metatrader: orders go to MetaTrader 5.";
    help_max_lots = "No order is larger, whatever a command says; empty: no limit of our own.";
    help_max_positions = "No further position is opened beyond this number; empty: no limit of our own.";
    help_max_daily_loss = "In the account's currency; nothing is opened once a day's loss reaches it.";
    help_resume_lifts = "true: a RESUME command from the platform lifts an emergency stop. false: only a person here can.";
    from_platform = "{} (from the platform)";
    secret_kept = "A secret is stored.";
    replace = "Replace";
    keep_stored = "Keep the stored one";
    show = "Show";
    hide = "Hide";
    save = "Save";
    saved = "Saved and applied.";
    file_changed = "The settings file was changed meanwhile. Its values are taken in; what you are editing here stays.";
    file_both = "The settings file was changed meanwhile, and so was here: {}. Both values stand below; everything else is taken in.";
    file_clash = "Changed here and in the file meanwhile: {}. Nothing is saved yet. Both values stand below; Save once more takes yours.";
    clash_value = "The file says {} now.";
    clash_gone = "The file leaves this empty now.";
    clash_secret = "The stored secret was changed meanwhile, too.";
    clash_take = "Take the file's";
    save_blocked = "Correct the marked fields first.";
    test = "Test connection";
    testing = "Testing…";
    test_title = "Connection test with these values";
    import = "Import…";
    export = "Export…";
    export_secret = "with the secret";
    exported = "Exported to {}.";
    nothing_chosen = "No file was chosen. If no dialog opened, this desktop has none: install zenity or xdg-desktop-portal.";
    imported = "Imported. Look it over, then save.";
    revert = "Undo changes";
    kind_limit = "limit";
    kind_stop = "stop";
    kind_market = "market";
    command_received = "Received";
    command_waiting = "Waiting";
    command_executing = "Executing";
    command_executed = "Executed";
    command_failed = "Failed";
    command_expired = "Expired";
    command_refused = "Refused";
    arrived_pusher = "It arrived over Pusher.";
    arrived_heartbeat = "It was handed over with a heartbeat.";
    arrived_broadcast = "It was broadcast to all executors.";
    arrived_local = "It was given at this machine.";
    fate_received = "It is written down and not yet judged.";
    fate_waiting = "It is accepted and waits for something it needs.";
    fate_executing = "It is being carried out.";
    fate_executed = "It was carried out, once.";
    fate_failed = "It was tried and did not succeed.";
    fate_expired = "Its time ran out before it could be carried out; nothing was done.";
    fate_refused = "It was refused and nothing was done.";
    told_never = "This kind is never reported to the platform.";
    told_yes = "The platform has the final status.";
    told_not_yet = "The platform does not have the final status yet; it is sent until it does.";
    told_later = "The platform is told when it is over.";
}

/// Puts `values` into the `{}` marks of `template`, in order.
pub fn fill(template: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut values = values.iter();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{}") {
        out.push_str(before);
        out.push_str(values.next().copied().unwrap_or("{}"));
        rest = after;
    }
    out.push_str(rest);
    out
}

impl Text {
    pub const fn leg(&self, leg: Leg, paper: bool) -> &'static str {
        match leg {
            Leg::Platform => self.leg_platform,
            Leg::Pusher => self.leg_pusher,
            Leg::Channel => self.leg_channel,
            Leg::Terminal if paper => self.leg_paper,
            Leg::Terminal => self.leg_mt5,
        }
    }

    pub const fn explain_leg(&self, leg: Leg) -> &'static str {
        match leg {
            Leg::Platform => self.explain_platform,
            Leg::Pusher => self.explain_pusher,
            Leg::Channel => self.explain_channel,
            Leg::Terminal => self.explain_mt5,
        }
    }

    /// What a person can do about a leg that was refused for good.
    pub const fn remedy(&self, leg: Leg) -> &'static str {
        match leg {
            Leg::Platform => self.remedy_platform,
            Leg::Pusher => self.remedy_pusher,
            Leg::Channel => self.remedy_channel,
            Leg::Terminal => self.remedy_terminal,
        }
    }

    /// `retries` tells the two bad states apart.
    pub const fn light(&self, light: Light, retries: bool) -> &'static str {
        match light {
            Light::Off => self.light_off,
            Light::Working => self.light_working,
            Light::Good => self.light_good,
            Light::Stale => self.light_stale,
            Light::Bad if retries => self.light_retrying,
            Light::Bad => self.light_failed,
        }
    }
}

impl Text {
    /// A state as a chip shows it.
    pub const fn state(&self, state: CommandState) -> &'static str {
        match state {
            CommandState::Received => self.command_received,
            CommandState::Waiting => self.command_waiting,
            CommandState::Executing => self.command_executing,
            CommandState::Executed => self.command_executed,
            CommandState::Failed => self.command_failed,
            CommandState::Expired => self.command_expired,
            CommandState::Refused => self.command_refused,
        }
    }

    /// What became of a command, in whole sentences.
    pub fn explain_command(&self, row: &CommandRow) -> String {
        let arrived = match row.source {
            Source::Pusher => self.arrived_pusher,
            Source::Heartbeat => self.arrived_heartbeat,
            Source::Broadcast => self.arrived_broadcast,
            Source::Local => self.arrived_local,
        };
        let fate = match row.state {
            CommandState::Received => self.fate_received,
            CommandState::Waiting => self.fate_waiting,
            CommandState::Executing => self.fate_executing,
            CommandState::Executed => self.fate_executed,
            CommandState::Failed => self.fate_failed,
            CommandState::Expired => self.fate_expired,
            CommandState::Refused => self.fate_refused,
        };
        let told = match row.reported {
            None => self.told_never,
            Some(true) => self.told_yes,
            Some(false) if row.state.is_final() => self.told_not_yet,
            Some(false) => self.told_later,
        };
        format!("{arrived} {fate} {told}")
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_go_where_the_marks_are() {
        assert_eq!(fill("{} of {}", &["3", "10"]), "3 of 10");
        assert_eq!(fill("no mark", &["3"]), "no mark");
        assert_eq!(fill("{} left", &[]), "{} left");
    }
}
