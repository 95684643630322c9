//! What the terminal holds, whoever opened it. The terminal's book is the truth; nothing here is what we intended.

use egui::{RichText, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder, TableRow};
use rust_decimal::Decimal;

use super::overview::profit_text;
use crate::core::snapshot::PositionRow;
use crate::market::{PendingOrder, PendingType};
use crate::ui::app::{Act, Ask};
use crate::ui::format;
use crate::ui::text::fill;
use crate::ui::theme::{self, GRID, ROW};
use crate::ui::view::View;
use crate::ui::widgets::{card, empty_state, heading, muted, side_text, strong, truncated};

pub fn positions_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        card(ui, |ui| {
            heading(ui, view.text.positions);
            if view.snapshot.positions.is_empty() {
                empty_state(
                    ui,
                    view.text.positions_empty,
                    view.text.positions_empty_hint,
                );
            } else {
                table_ui(ui, view, acts);
                total_ui(ui, view);
            }
        });
        ui.add_space(GRID);
        card(ui, |ui| {
            heading(ui, view.text.orders);
            if view.snapshot.orders.is_empty() {
                ui.label(muted(ui, view.text.orders_empty));
            } else {
                orders_ui(ui, view);
            }
        });
        if !view.snapshot.accounts_away.is_empty() {
            ui.add_space(GRID);
            card(ui, |ui| away_ui(ui, view, acts));
        }
    });
}

fn away_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    heading(ui, view.text.mt.away_title);
    ui.label(muted(ui, view.text.mt.away_hint));
    for away in &view.snapshot.accounts_away {
        ui.separator();
        for line in &away.lines {
            ui.label(line);
        }
        if !away.is_forgotten && ui.button(view.text.mt.forget_button).clicked() {
            acts.push(Act::Ask(Ask::Forget {
                account: away.account.clone(),
            }));
        }
    }
}

fn total_ui(ui: &mut Ui, view: &View<'_>) {
    let sum: Decimal = view
        .snapshot
        .positions
        .iter()
        .map(|row| row.position.profit)
        .sum();
    ui.separator();
    ui.horizontal(|ui| {
        ui.label(strong(view.text.total, theme::BODY));
        ui.label(profit_text(ui, sum));
        if let Some(account) = &view.snapshot.account {
            ui.label(muted(ui, &account.currency));
            ui.label(muted(
                ui,
                format!(
                    "· {} {} · {} {}",
                    view.text.equity,
                    format::money(account.equity),
                    view.text.free_margin,
                    format::money(account.margin_free)
                ),
            ));
        }
    });
}

fn right(line: &mut TableRow<'_, '_>, text: impl FnOnce(&Ui) -> RichText) {
    line.col(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let text = text(ui);
            truncated(ui, text);
        });
    });
}

fn left(line: &mut TableRow<'_, '_>, text: impl FnOnce(&Ui) -> RichText) {
    line.col(|ui| {
        let text = text(ui);
        truncated(ui, text);
    });
}

fn table<'a>(ui: &'a mut Ui, id: &str, widths: &[f32]) -> TableBuilder<'a> {
    let mut table = TableBuilder::new(ui)
        .id_salt(id)
        .striped(true)
        .vscroll(false)
        .auto_shrink([false, true])
        .cell_layout(egui::Layout::left_to_right(egui::Align::Center));
    for width in widths {
        table = table.column(Column::initial(*width).at_least(36.0).clip(true));
    }
    table.column(Column::remainder().at_least(60.0).clip(true))
}

fn headings<'a>(heads: &'a [(&'a str, bool)]) -> impl FnOnce(TableRow<'_, '_>) + 'a {
    move |mut header| {
        for (head, number) in heads {
            if *number {
                right(&mut header, |ui| muted(ui, *head));
            } else {
                left(&mut header, |ui| muted(ui, *head));
            }
        }
    }
}

fn table_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    let text = view.text;
    // The button first: it must be in reach in the narrowest window.
    let heads = [
        ("", false),
        (text.col_symbol, false),
        (text.col_side, false),
        (text.col_volume, true),
        (text.col_open, true),
        (text.col_current, true),
        (text.col_sl, true),
        (text.col_tp, true),
        (text.col_profit, true),
        (text.col_ticket, false),
        (text.col_owner, false),
    ];
    let rows = &view.snapshot.positions;
    table(
        ui,
        "positions",
        &[60.0, 72.0, 42.0, 44.0, 72.0, 72.0, 72.0, 72.0, 72.0, 78.0],
    )
    .header(ROW, headings(&heads))
    .body(|body| {
        body.rows(ROW, rows.len(), |mut line| {
            if let Some(row) = rows.get(line.index()) {
                position_ui(&mut line, view, row, acts);
            }
        });
    });
}

fn position_ui(
    line: &mut TableRow<'_, '_>,
    view: &View<'_>,
    row: &PositionRow,
    acts: &mut Vec<Act>,
) {
    let text = view.text;
    let position = &row.position;
    let prices = [
        Some(position.open_price),
        row.current_price,
        position.stop_loss,
        position.take_profit,
    ];
    let digits = format::digits(prices.iter().flatten());
    line.col(|ui| {
        if !row.own {
            ui.label(muted(ui, "–")).on_hover_text(text.close_foreign);
            return;
        }
        let button = ui.button(text.close);
        let label = fill(text.close_label, &[&position.ticket.to_string()]);
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
        if button.clicked() {
            acts.push(Act::Ask(Ask::Close(position.ticket)));
        }
    });
    left(line, |_| strong(&position.symbol, theme::BODY));
    left(line, |ui| side_text(ui, position.side));
    right(line, |_| {
        let whole = position.volume.to_string();
        RichText::new(match row.part {
            Some(part) => fill(text.part_of, &[&part.to_string(), &whole]),
            None => whole,
        })
    });
    for price in prices {
        right(line, |_| {
            RichText::new(format::optional_price(price, digits))
        });
    }
    right(line, |ui| profit_text(ui, position.profit));
    left(line, |ui| muted(ui, position.ticket.to_string()));
    line.col(|ui| {
        let owner = match (&row.strategy, row.own) {
            (Some(strategy), _) => strategy.as_str(),
            (None, true) => text.owner_own,
            (None, false) => text.owner_foreign,
        };
        let owner = muted(ui, owner);
        let shown = truncated(ui, owner);
        if !row.own {
            shown.on_hover_text(text.close_foreign);
        }
    });
}

fn orders_ui(ui: &mut Ui, view: &View<'_>) {
    let text = view.text;
    let heads = [
        (text.col_symbol, false),
        (text.col_side, false),
        (text.col_kind, false),
        (text.col_volume, true),
        (text.col_price, true),
        (text.col_sl, true),
        (text.col_tp, true),
        (text.col_ticket, false),
        (text.col_owner, false),
    ];
    let rows = &view.snapshot.orders;
    table(
        ui,
        "orders",
        &[80.0, 48.0, 56.0, 52.0, 80.0, 80.0, 80.0, 84.0],
    )
    .header(ROW, headings(&heads))
    .body(|body| {
        body.rows(ROW, rows.len(), |mut line| {
            if let Some(order) = rows.get(line.index()) {
                order_ui(&mut line, view, order);
            }
        });
    });
}

fn order_ui(line: &mut TableRow<'_, '_>, view: &View<'_>, order: &PendingOrder) {
    let prices = [Some(order.price), order.stop_loss, order.take_profit];
    let digits = format::digits(prices.iter().flatten());
    left(line, |_| strong(&order.symbol, theme::BODY));
    left(line, |ui| side_text(ui, order.side));
    left(line, |ui| {
        muted(
            ui,
            match order.kind {
                PendingType::Limit => view.text.kind_limit,
                PendingType::Stop => view.text.kind_stop,
                PendingType::Market => view.text.kind_market,
            },
        )
    });
    right(line, |_| RichText::new(order.volume.to_string()));
    for price in prices {
        right(line, |_| {
            RichText::new(format::optional_price(price, digits))
        });
    }
    left(line, |ui| muted(ui, order.ticket.to_string()));
    left(line, |ui| {
        let own = order.is_own();
        muted(
            ui,
            if own {
                view.text.owner_own
            } else {
                view.text.owner_foreign
            },
        )
    });
}
