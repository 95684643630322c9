//! Which renderer draws the window: the one that worked last time first, one that crashed while it started last.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ui::Renderer;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    /// Drew a frame last.
    works: Option<Renderer>,
    /// Was started, and has not drawn yet: when the program finds this at its start, it died there.
    starting: Option<Renderer>,
}

impl Memory {
    fn order(self, available: &[Renderer]) -> Vec<Renderer> {
        let rank = |one: &Renderer| match one {
            one if self.starting == Some(*one) => 2,
            one if self.works == Some(*one) => 0,
            _ => 1,
        };
        let mut order = available.to_vec();
        order.sort_by_key(rank);
        order
    }
}

/// What is remembered in the data folder.
#[derive(Clone, Debug)]
pub(super) struct Renderers {
    file: PathBuf,
}

impl Renderers {
    pub fn of(data_dir: &Path) -> Self {
        Self {
            file: data_dir.join("window.json"),
        }
    }

    /// In the order in which they are to be tried. Never empty.
    pub fn order(&self) -> Vec<Renderer> {
        let memory = self.read();
        if let Some(died) = memory.starting.filter(|_| Renderer::AVAILABLE.len() > 1) {
            tracing::warn!(target: "ui", "The program ended while {died} started to draw the window; others are tried first.");
        }
        memory.order(Renderer::AVAILABLE)
    }

    pub fn starts(&self, renderer: Renderer) {
        let starting = Some(renderer);
        self.write(Memory {
            starting,
            ..self.read()
        });
    }

    pub fn works(&self, renderer: Renderer) {
        self.write(Memory {
            works: Some(renderer),
            starting: None,
        });
    }

    /// The window was closed, or could not be opened; either way that is no crash.
    pub fn ended(&self) {
        self.write(Memory {
            starting: None,
            ..self.read()
        });
    }

    /// A memory that cannot be read is as good as none.
    fn read(&self) -> Memory {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn write(&self, memory: Memory) {
        let written = serde_json::to_string(&memory)
            .map_err(std::io::Error::from)
            .and_then(|text| fs::write(&self.file, text));
        if let Err(error) = written {
            tracing::warn!(target: "ui", "{} cannot be written: {error}. Which renderer works is found out anew each time.", self.file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_worked_comes_first_and_what_crashed_last() {
        let (glow, wgpu) = (Renderer::Glow, Renderer::Wgpu);
        let all = [glow, wgpu];
        for (works, starting, order) in [
            (None, None, [glow, wgpu]),
            (Some(wgpu), None, [wgpu, glow]),
            (None, Some(glow), [wgpu, glow]),
            (Some(glow), Some(glow), [wgpu, glow]),
            (Some(glow), Some(wgpu), [glow, wgpu]),
        ] {
            assert_eq!(Memory { works, starting }.order(&all), order);
        }
    }

    #[test]
    fn it_is_remembered_over_a_restart_and_a_broken_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let renderers = Renderers::of(folder.path());
        assert_eq!(renderers.order(), Renderer::AVAILABLE);
        renderers.starts(Renderer::Wgpu);
        assert_eq!(renderers.read().starting, Some(Renderer::Wgpu));
        renderers.works(Renderer::Wgpu);
        renderers.starts(Renderer::Glow);
        renderers.ended();
        let memory = Renderers::of(folder.path()).read();
        assert_eq!(
            (memory.works, memory.starting),
            (Some(Renderer::Wgpu), None)
        );
        fs::write(&renderers.file, "{\"works\": 7").unwrap();
        assert_eq!(renderers.read(), Memory::default());
    }
}
