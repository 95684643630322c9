//! What this computer has and allows where a filter cannot be computed (R15).

use serde::Serialize;

/// Closed by default: rules that need what is not here are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Allowances {
    /// There is a calendar of news.
    pub news_calendar: bool,
    /// Rules may run without their news filter where there is no calendar.
    pub without_news: bool,
    pub without_correlation: bool,
    pub without_risk_sentiment: bool,
    pub without_regime: bool,
    /// A moving average against a bare number means another moving average of so many bars (R6), for this strategy.
    pub numbers_are_averages: bool,
}

impl Allowances {
    /// The names of filters that rules may run without, parted by commas or blanks.
    ///
    /// # Errors
    /// The first name that is none of these.
    pub fn without(names: &str) -> Result<Self, String> {
        let mut allowed = Self::default();
        for name in names.split([',', ' ', ';']).filter(|name| !name.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "news" => allowed.without_news = true,
                "correlation" => allowed.without_correlation = true,
                "risksentiment" => allowed.without_risk_sentiment = true,
                "regime" => allowed.without_regime = true,
                _ => {
                    return Err(format!(
                        "\"{name}\" is not one of news, correlation, riskSentiment, regime"
                    ));
                }
            }
        }
        Ok(allowed)
    }
}
