//! Tables. A column says once what it is called, what it shows of a row, and how it looks. Wide windows show its label
//! above the column, narrow ones beside each cell.

use leptos::prelude::*;

/// Something that is made of a row.
pub type OfRow<T, V> = Box<dyn Fn(&T) -> V + Send>;

/// A column of rows of type `T`.
pub struct Column<T> {
    label: &'static str,
    head: Option<AnyView>,
    content: OfRow<T, AnyView>,
    title: Option<OfRow<T, String>>,
    quiet: Option<fn(&T) -> bool>,
    is_heading: bool,
    class: &'static str,
    head_class: &'static str,
    spare: Option<&'static str>,
}

/// A column with this label, and what it shows of a row.
pub fn column<T, V: IntoView + 'static>(label: &'static str, content: impl Fn(&T) -> V + Send + 'static) -> Column<T> {
    Column {
        label,
        head: None,
        content: Box::new(move |row| content(row).into_any()),
        title: None,
        quiet: None,
        is_heading: false,
        class: "",
        head_class: "",
        spare: None,
    }
}

/// A column of texts, cut off where there is no room for them.
pub fn clipped<T: 'static>(label: &'static str, text: fn(&T) -> String) -> Column<T> {
    column(label, text).class("clip").title(text)
}

/// The buttons at the end of each row.
pub fn actions<T, V: IntoView + 'static>(content: impl Fn(&T) -> V + Send + 'static) -> Column<T> {
    let head = view! { <span class="sr-only">"Actions"</span> };
    column("", content).class("actions").head(head.into_any())
}

impl<T> Column<T> {
    /// Its cells are what their rows are called by.
    pub fn heading(self) -> Self {
        Self { is_heading: true, ..self }
    }

    /// Classes of its cells.
    pub fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// Class of its cells and of its head.
    pub fn whole_class(self, class: &'static str) -> Self {
        Self { class, head_class: class, ..self }
    }

    /// Left out of narrow windows; `"1"` goes first.
    pub fn spare(self, spare: &'static str) -> Self {
        Self { spare: Some(spare), ..self }
    }

    /// What is above the column instead of the label.
    pub fn head(self, head: AnyView) -> Self {
        Self { head: Some(head), ..self }
    }

    /// The full text of a cell that may be cut off.
    pub fn title(self, title: impl Fn(&T) -> String + Send + 'static) -> Self {
        Self { title: Some(Box::new(title)), ..self }
    }

    /// Which cells have nothing to say.
    pub fn quiet(self, quiet: fn(&T) -> bool) -> Self {
        Self { quiet: Some(quiet), ..self }
    }

    fn th(&mut self) -> AnyView {
        let head = self.head.take().unwrap_or_else(|| self.label.into_any());
        view! { <th scope="col" class=self.head_class data-spare=self.spare>{head}</th> }.into_any()
    }

    fn td(&self, row: &T) -> AnyView {
        let (class, spare) = (self.class, self.spare);
        let label = (!self.label.is_empty()).then_some(self.label);
        let title = self.title.as_ref().map(|title| title(row));
        let quiet = self.quiet.is_some_and(|quiet| quiet(row)).then_some("");
        let content = (self.content)(row);
        if self.is_heading {
            view! { <th scope="row" data-label=label data-spare=spare class=class title=title data-quiet=quiet>{content}</th> }
                .into_any()
        } else {
            view! { <td data-label=label data-spare=spare class=class title=title data-quiet=quiet>{content}</td> }
                .into_any()
        }
    }
}

/// Whether a row is not to be seen, now and later.
pub type Hidden = Box<dyn Fn() -> bool + Send + Sync>;

/// A table.
#[component]
pub fn Table<T: Send + 'static>(
    /// Its classes: `table`, and what the style sheet knows it by.
    #[prop(default = "table")]
    class: &'static str,
    /// What it lists, for those who cannot see it; empty where a heading says so.
    #[prop(optional)]
    caption: &'static str,
    /// Left to right.
    mut columns: Vec<Column<T>>,
    /// Top to bottom.
    rows: Vec<T>,
    /// Which rows a search leaves out.
    #[prop(optional)]
    hidden: Option<OfRow<T, Hidden>>,
    /// What tests know its rows by.
    #[prop(optional)]
    testid: Option<&'static str>,
) -> impl IntoView {
    let heads = columns.iter_mut().map(Column::th).collect_view();
    let row = |row: T| {
        let hidden = hidden.as_ref().map(|hidden| hidden(&row));
        let cells = columns.iter().map(|column| column.td(&row)).collect_view();
        tr(testid, hidden, cells.into_any())
    };
    let rows = rows.into_iter().map(row).collect_view();
    frame(class, caption, heads.into_any(), rows.into_any())
}

fn tr(testid: Option<&'static str>, hidden: Option<Hidden>, cells: AnyView) -> AnyView {
    let hidden = move || hidden.as_ref().is_some_and(|hidden| hidden());
    view! { <tr data-testid=testid hidden=hidden>{cells}</tr> }.into_any()
}

fn frame(class: &'static str, caption: &'static str, heads: AnyView, rows: AnyView) -> AnyView {
    view! {
        <table class=class>
            {(!caption.is_empty()).then(|| view! { <caption class="sr-only">{caption}</caption> })}
            <thead>
                <tr>{heads}</tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
