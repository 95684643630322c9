//! The settings one by one: their keys and what kind of value each is. Names and help are the window's.

/// Every setting, in the order in which a person fills them in; `self as usize` is the place in [`Field::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    PlatformUrl,
    ApiKey,
    ApiSecret,
    ExecutorId,
    PusherKey,
    PusherCluster,
    PusherHost,
    PusherPort,
    PusherTls,
    PusherPath,
    Proxy,
    Terminal,
    MaxLots,
    MaxPositions,
    MaxDailyLoss,
    ResumeLiftsStop,
    SymbolMap,
    DefaultDirection,
    GuardDailyLoss,
    GuardDailyWarning,
    GuardTotalLoss,
    GuardTotalWarning,
    GuardStartBalance,
    GuardTimeZone,
    RunWithout,
    NewsCalendar,
    CommonFiles,
    Autostart,
    KeepAwake,
    RestartWhenHung,
    CloseButton,
    Toasts,
    UpdateUrl,
}

impl Field {
    pub const ALL: [Self; 33] = [
        Self::PlatformUrl,
        Self::ApiKey,
        Self::ApiSecret,
        Self::ExecutorId,
        Self::PusherKey,
        Self::PusherCluster,
        Self::PusherHost,
        Self::PusherPort,
        Self::PusherTls,
        Self::PusherPath,
        Self::Proxy,
        Self::Terminal,
        Self::MaxLots,
        Self::MaxPositions,
        Self::MaxDailyLoss,
        Self::ResumeLiftsStop,
        Self::SymbolMap,
        Self::DefaultDirection,
        Self::GuardDailyLoss,
        Self::GuardDailyWarning,
        Self::GuardTotalLoss,
        Self::GuardTotalWarning,
        Self::GuardStartBalance,
        Self::GuardTimeZone,
        Self::RunWithout,
        Self::NewsCalendar,
        Self::CommonFiles,
        Self::Autostart,
        Self::KeepAwake,
        Self::RestartWhenHung,
        Self::CloseButton,
        Self::Toasts,
        Self::UpdateUrl,
    ];

    /// The key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::PlatformUrl => "platformUrl",
            Self::ApiKey => "apiKey",
            Self::ApiSecret => "apiSecret",
            Self::ExecutorId => "executorId",
            Self::PusherKey => "pusherKey",
            Self::PusherCluster => "pusherCluster",
            Self::PusherHost => "pusherHost",
            Self::PusherPort => "pusherPort",
            Self::PusherTls => "pusherTls",
            Self::PusherPath => "pusherPath",
            Self::Proxy => "proxy",
            Self::Terminal => "terminal",
            Self::MaxLots => "maxLots",
            Self::MaxPositions => "maxPositions",
            Self::MaxDailyLoss => "maxDailyLoss",
            Self::ResumeLiftsStop => "resumeLiftsStop",
            Self::SymbolMap => "symbolMap",
            Self::DefaultDirection => "defaultDirection",
            Self::GuardDailyLoss => "guardDailyLoss",
            Self::GuardDailyWarning => "guardDailyWarning",
            Self::GuardTotalLoss => "guardTotalLoss",
            Self::GuardTotalWarning => "guardTotalWarning",
            Self::GuardStartBalance => "guardStartBalance",
            Self::GuardTimeZone => "guardTimeZone",
            Self::RunWithout => "runWithout",
            Self::NewsCalendar => "newsCalendar",
            Self::CommonFiles => "commonFiles",
            Self::Autostart => "autostart",
            Self::KeepAwake => "keepAwake",
            Self::RestartWhenHung => "restartWhenHung",
            Self::CloseButton => "closeButton",
            Self::Toasts => "toasts",
            Self::UpdateUrl => "updateUrl",
        }
    }

    /// The key inside `"pusher": {…}`, the form of older installs.
    pub(super) const fn key_in_pusher(self) -> Option<&'static str> {
        match self {
            Self::PusherKey => Some("key"),
            Self::PusherCluster => Some("cluster"),
            Self::PusherHost => Some("host"),
            Self::PusherPort => Some("port"),
            Self::PusherTls => Some("tls"),
            Self::PusherPath => Some("path"),
            _ => None,
        }
    }

    /// The field that a key means which is no field's: written in another way, as `MaxLots` or `max_lots`, or up to two
    /// letters away from it. Keys that begin with `_` are notes.
    pub(super) fn misspelt(key: &str) -> Option<Self> {
        const LETTERS: usize = 2;
        if key.starts_with('_') || Self::ALL.iter().any(|field| field.key() == key) {
            return None;
        }
        let plain = |text: &str| text.replace(['_', '-', ' '], "").to_ascii_lowercase();
        let key = plain(key);
        let distance = |field: Self| strsim::damerau_levenshtein(&plain(field.key()), &key);
        Self::ALL
            .into_iter()
            .map(|field| (distance(field), field))
            .filter(|(distance, field)| *distance <= LETTERS.min(field.key().len() / 3))
            .min()
            .map(|(_, field)| field)
    }

    /// The limit that an unknown key may speak of, such as `lotLimit` or `MAX_DRAWDOWN`: a trader who wrote it may count on
    /// it. It may mean something to another program too, so it is only told.
    pub(super) fn of_a_limit(key: &str) -> Option<Self> {
        const WORDS: [(&str, Field); 22] = [
            ("leverage", Field::MaxLots),
            ("amount", Field::MaxLots),
            ("qty", Field::MaxLots),
            ("maxsize", Field::MaxLots),
            ("maxdd", Field::MaxDailyLoss),
            ("equity", Field::GuardTotalLoss),
            ("killswitch", Field::GuardTotalLoss),
            ("maxopen", Field::MaxPositions),
            ("guard", Field::GuardDailyLoss),
            ("loss", Field::MaxDailyLoss),
            ("drawdown", Field::MaxDailyLoss),
            ("daily", Field::MaxDailyLoss),
            ("exposure", Field::MaxLots),
            ("position", Field::MaxPositions),
            ("trades", Field::MaxPositions),
            ("maxtrade", Field::MaxPositions),
            ("orders", Field::MaxPositions),
            ("maxorder", Field::MaxPositions),
            ("lot", Field::MaxLots),
            ("volume", Field::MaxLots),
            ("limit", Field::MaxLots),
            ("risk", Field::MaxLots),
        ];
        if key.starts_with('_') || Self::ALL.iter().any(|field| field.key() == key) {
            return None;
        }
        let letters: String = key
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        let found = WORDS.iter().find(|(word, _)| letters.contains(word));
        found.map(|(_, field)| *field)
    }

    /// What can be chosen, when that is a short list; the first is what an empty text means.
    pub const fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Terminal => &["paper", "metatrader"],
            Self::PusherTls | Self::KeepAwake => &["true", "false"],
            Self::ResumeLiftsStop | Self::Autostart | Self::RestartWhenHung => &["false", "true"],
            Self::CloseButton => &["ask", "tray", "end"],
            Self::DefaultDirection => &["refuse", "buy", "sell"],
            _ => &[],
        }
    }

    /// About this computer's trading, not about the way to the platform.
    pub const fn is_local(self) -> bool {
        matches!(
            self,
            Self::Terminal
                | Self::MaxLots
                | Self::MaxPositions
                | Self::MaxDailyLoss
                | Self::ResumeLiftsStop
                | Self::SymbolMap
                | Self::DefaultDirection
                | Self::GuardDailyLoss
                | Self::GuardDailyWarning
                | Self::GuardTotalLoss
                | Self::GuardTotalWarning
                | Self::GuardStartBalance
                | Self::GuardTimeZone
                | Self::RunWithout
                | Self::NewsCalendar
                | Self::CommonFiles
                | Self::Autostart
                | Self::KeepAwake
                | Self::RestartWhenHung
                | Self::CloseButton
                | Self::Toasts
                | Self::UpdateUrl
        )
    }

    pub const fn is_secret(self) -> bool {
        matches!(self, Self::ApiSecret)
    }

    /// Without these the program cannot connect.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::PlatformUrl | Self::ApiKey | Self::ApiSecret)
    }
}

/// One value for each setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerField<T>([T; Field::ALL.len()]);

impl<T: Default> Default for PerField<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| T::default()))
    }
}

impl<T> std::ops::Index<Field> for PerField<T> {
    type Output = T;

    fn index(&self, field: Field) -> &T {
        &self.0[field as usize]
    }
}

impl<T> std::ops::IndexMut<Field> for PerField<T> {
    fn index_mut(&mut self, field: Field) -> &mut T {
        &mut self.0[field as usize]
    }
}
