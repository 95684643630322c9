//! The configuration that starts a closed terminal with the Expert Advisor on a chart (MetaTrader 5 Help, "Platform
//! start", starting with a custom configuration). Never for a terminal that runs.

use std::path::Path;

use super::expert::EXPERT;
use super::text_file::{decode, encode};

pub const NAME: &str = "start.ini";

/// What the terminal is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartIni {
    /// A symbol that the broker has.
    pub symbol: String,
    /// The chart's period, as MetaTrader names it.
    pub period: String,
    /// A `.set` file in `MQL5\Presets`; none leaves the Expert Advisor's own values.
    pub parameters: Option<String>,
}

impl StartIni {
    pub fn text(&self) -> String {
        let parameters = match &self.parameters {
            Some(name) => format!("ExpertParameters={name}\n"),
            None => String::new(),
        };
        format!(
            "[StartUp]\nExpert={EXPERT}\nSymbol={}\nPeriod={}\n{parameters}\
             [Experts]\nEnabled=1\nAllowLiveTrading=1\nAllowDllImport=0\nAccount=0\nProfile=0\n",
            self.symbol, self.period
        )
    }

    /// As the terminal reads it: UTF-16LE with its mark and CRLF.
    pub fn bytes(&self) -> Vec<u8> {
        encode(&self.text())
    }
}

/// A symbol for the chart, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymbolChoice {
    /// A chart of the terminal shows it.
    OnChart(String),
    /// The terminal has prices of it.
    HasHistory(String),
    /// Nothing is known; the broker may name it differently.
    Guessed(String),
    Given(String),
}

impl SymbolChoice {
    pub fn symbol(&self) -> &str {
        match self {
            Self::OnChart(symbol)
            | Self::HasHistory(symbol)
            | Self::Guessed(symbol)
            | Self::Given(symbol) => symbol,
        }
    }
}

/// A symbol that this terminal certainly has, if its data folder shows one.
pub fn choose_symbol(data: &Path) -> SymbolChoice {
    if let Some(symbol) = charts(data) {
        return SymbolChoice::OnChart(symbol);
    }
    match histories(data) {
        Some(symbol) => SymbolChoice::HasHistory(symbol),
        None => SymbolChoice::Guessed("EURUSD".to_owned()),
    }
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

/// The first chart of a profile; the default profile first.
fn charts(data: &Path) -> Option<String> {
    let profiles = data.join("MQL5").join("Profiles").join("Charts");
    let mut folders = vec![profiles.join("Default")];
    folders.extend(sorted(&profiles));
    folders
        .iter()
        .flat_map(|folder| sorted(folder))
        .filter(|path| path.extension().is_some_and(|end| end == "chr"))
        .find_map(|path| {
            let text = decode(&std::fs::read(path).ok()?);
            text.lines()
                .find_map(|line| usable(line.trim().strip_prefix("symbol=")?))
        })
}

/// A folder below `bases\<server>\history`; EURUSD's, under the broker's name, if there is one.
fn histories(data: &Path) -> Option<String> {
    let names: Vec<String> = sorted(&data.join("bases"))
        .iter()
        .flat_map(|server| sorted(&server.join("history")))
        .filter(|path| path.is_dir())
        .filter_map(|path| usable(&path.file_name()?.to_string_lossy()))
        .collect();
    let euro = names.iter().find(|name| name.contains("EURUSD"));
    euro.or_else(|| names.first()).cloned()
}

/// Text that can stand in one line of the file.
fn usable(symbol: &str) -> Option<String> {
    let symbol = symbol.trim();
    let fits = !symbol.is_empty() && symbol.len() <= 64 && !symbol.contains(char::is_control);
    fits.then(|| symbol.to_owned())
}
