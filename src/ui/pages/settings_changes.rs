//! The Settings page and the file beside it: what was read anew is taken in around what a person is editing; and the
//! stored secret, shown for a moment.

use jiff::{SignedDuration, Timestamp};

use super::settings::{Message, State};
use crate::settings::{Field, PerField, Whose, three_way};
use crate::ui::settings_port::{SaveNote, SecretText, SettingsForm};

/// How long a stored secret stays in sight.
const IN_SIGHT: SignedDuration = SignedDuration::from_secs(15);

/// What the file holds where a person's edit stands against it; empty for a field that is gone there, and for the secret.
#[derive(Default)]
pub struct Clashes {
    pub(super) file: PerField<Option<String>>,
    /// The person pressed Save and was told; the next Save takes his values.
    pub(super) told: bool,
}

impl Clashes {
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        Field::ALL
            .into_iter()
            .filter(|field| self.file[*field].is_some())
    }
}

impl State {
    /// The file was read again: what nobody is editing here follows it.
    pub(super) fn take_in(&mut self, fresh: SettingsForm) {
        let Some(mut form) = self.form.take() else {
            self.stored = fresh.clone();
            self.clashes = Clashes::default();
            self.edit(fresh);
            return;
        };
        let (mut edited, mut changed) = (!form.new_secret.is_empty(), false);
        for field in Field::ALL {
            if field.is_secret() {
                if !form.new_secret.is_empty() && fresh.secret_turn != self.stored.secret_turn {
                    changed = true;
                    self.clash(field, String::new());
                }
                continue;
            }
            let (before, theirs) = (&self.stored.field(field).text, fresh.field(field));
            let mine = form.field_mut(field);
            mine.fetched.clone_from(&theirs.fetched);
            edited |= mine.text.trim() != before.trim();
            match three_way(before, &mine.text, &theirs.text) {
                Whose::File => {
                    changed |= mine.text.trim() != theirs.text.trim();
                    mine.text.clone_from(&theirs.text);
                    self.clashes.file[field] = None;
                }
                Whose::Person => {}
                Whose::Asked => {
                    changed = true;
                    self.clash(field, theirs.text.clone());
                }
            }
        }
        // An import may have brought another key without its secret.
        if form.secret_stored == self.stored.secret_stored {
            form.secret_stored = fresh.secret_stored;
        }
        form.secret_turn = fresh.secret_turn;
        self.stored = fresh;
        let replacing = self.replacing;
        self.edit(form);
        self.replacing |= replacing;
        if edited && changed && !matches!(self.message, Some(Message::Failed(_))) {
            self.message = Some(Message::FileChanged);
        }
    }

    fn clash(&mut self, field: Field, theirs: String) {
        self.clashes.file[field] = Some(theirs);
        self.clashes.told = false;
    }

    /// What was sent is stored now; what was typed since goes on being an edit.
    pub(super) fn saved(&mut self, notes: Vec<SaveNote>) {
        let mut sent = self.saving.take().unwrap_or_default();
        if let Some(form) = &mut self.form
            && form.new_secret == sent.new_secret
        {
            form.new_secret = SecretText::default();
            self.replacing = false;
            self.showing = false;
        }
        sent.new_secret = SecretText::default();
        self.stored = sent;
        self.clashes = Clashes::default();
        self.message = Some(Message::Saved);
        self.notes = notes;
        self.reload = true;
    }

    /// A secret is in sight for a moment, and only on this page.
    pub(super) fn hide_secret(&mut self, now: Timestamp, shown: bool) {
        if self.revealed.is_none() {
            self.reveal_until = None;
            return;
        }
        let until = *self.reveal_until.get_or_insert(now + IN_SIGHT);
        if !shown || now >= until {
            self.revealed = None;
            self.reveal_until = None;
        }
    }
}
