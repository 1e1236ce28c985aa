"""The widgets of controls: what a learner touches, over values that need none.

A control holds its value by itself; its skin is made when a notebook shows it, follows
the value, and hands on what was touched.  Without ipywidgets all else still works.

ipywidgets gives the handle of a slider no name, and lets it speak its index; nor has
its protocol a field for either.  So each slider brings a few lines for the browser,
run by an image that cannot load: they name the handle, let it speak its value, and
leave one tab stop, the handle; Enter goes from there to the number box and back.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from hamodel._extras import brought_by
from hamodel.course._widgets import paragraph

with brought_by("course"):
    import ipywidgets as widgets

if TYPE_CHECKING:
    from hamodel.course.boxes import Boxes
    from hamodel.course.controls import Again, Choice, Slider

#: All that lies over a picture stands in the one cell of its grid.
CELL = "1 / 1 / 2 / 2"
_NAMES = (
    "const all=JSON.parse(this.dataset.says),at=this.closest('.ha-slider');"
    "const name=()=>{const h=at.querySelector('.noUi-handle'),"
    "b=at.querySelector('input');if(!h)return;"
    "const says=all[Math.round(h.getAttribute('aria-valuenow'))];"
    "if(h.getAttribute('aria-label')!==this.dataset.name)"
    "{h.setAttribute('aria-label',this.dataset.name);if(b){b.tabIndex=-1;"
    "h.addEventListener('keydown',e=>{if(e.key==='Enter')b.focus()});"
    "b.addEventListener('keydown',e=>{if(e.key==='Escape'||e.key==='Enter')"
    "setTimeout(()=>h.focus())})}}"
    "if(h.getAttribute('aria-valuetext')!==says)h.setAttribute('aria-valuetext',says)};"
    "if(at){new MutationObserver(name).observe(at,{subtree:true,childList:true,"
    "attributes:true,attributeFilter:['aria-valuetext']});name()}"
)


class SliderSkin:
    """A slider over the grid, and a box with the label that takes any number."""

    def __init__(self, control: Slider) -> None:
        self._control, self._linking = control, False
        self.slider = widgets.SelectionSlider(
            options=[(f"{v:,g}", k) for k, v in enumerate(control.grid)],
            readout=False,
            layout=widgets.Layout(width="96%", margin="0"),
        )
        self.box = widgets.Text(
            placeholder="a guess",
            description=control.label,
            continuous_update=False,
            style={"description_width": "68%"},
            layout=widgets.Layout(width="96%"),
        )
        self.note = widgets.HTML()
        self.widget = widgets.VBox(
            [self.box, self.slider, self.note, widgets.HTML(_named(control))],
            layout=widgets.Layout(width="290px", max_width="100%"),
        )
        self.widget.add_class("ha-slider")
        self.follow()
        self.slider.observe(self._slid, names="index")
        self.box.observe(self._typed, names="value")

    def follow(self) -> None:
        """Show the value; slider and box follow it, and neither rounds it."""
        control = self._control
        self.slider.disabled = self.box.disabled = not control.enabled
        if control.empty or self._linking:
            return
        self._linking = True
        try:
            self.slider.index = control.nearest(control.value)
            self.box.value = f"{control.value:,.10g}"
            self.note.value = ""
        finally:
            self._linking = False

    def upright(self, left: float, top: float, high: float) -> widgets.Widget:
        """Return the slider alone, upright, with its place in per cent."""
        self.slider.orientation = "vertical"
        self.slider.layout = widgets.Layout(height="100%", width="28px", margin="0")
        over = widgets.VBox(
            [self.slider, widgets.HTML(_named(self._control))],
            layout=widgets.Layout(
                grid_area=CELL,
                margin=f"calc({top:.2f}% - 4px) 0 -999px calc({left:.2f}% - 14px)",
                width="28px",
                height=f"calc({high:.2f}% + 13px)",  # ipywidgets keeps 4 and 9 free
                overflow="visible",
            ),
        )
        over.add_class("ha-slider")
        self.widget.children = [self.box, self.note]
        return over

    def _slid(self, change: dict[str, int]) -> None:
        if not self._linking:
            self._control.value = self._control.grid[change["new"]]
            self.follow()

    def _typed(self, change: dict[str, str]) -> None:
        if self._linking:
            return
        try:
            self._control.value = self._control.read(change["new"].strip())
        except ValueError as error:
            self.note.value = f'<span role="alert">{escape(str(error))}</span>'
        else:
            self.follow()


def _named(control: Slider) -> str:
    says = json.dumps([f"{value:,g}{control.unit}" for value in control.grid])
    return (
        f'<img alt="" hidden src="data:," data-name="{escape(control.label)}" '
        f'data-says="{escape(says)}" onerror="{escape(_NAMES)}">'
    )


class ChoiceSkin:
    """A list to choose from."""

    def __init__(self, control: Choice) -> None:
        self._control = control
        self.widget = widgets.Dropdown(
            options=control.options,
            value=control.value,
            description=control.label,
            style={"description_width": "82px"},
            layout=widgets.Layout(width="290px", max_width="100%"),
        )
        self.follow()
        self.widget.observe(self._chosen, names="value")

    def follow(self) -> None:
        """Show the option."""
        self.widget.disabled = not self._control.enabled
        self.widget.value = self._control.value

    def _chosen(self, change: dict[str, str]) -> None:
        self._control.value = change["new"]


class AgainSkin:
    """A button."""

    def __init__(self, control: Again) -> None:
        self._control = control
        self.widget = widgets.Button(
            description=control.label,
            icon="refresh",
            layout=widgets.Layout(width="auto"),
        )
        self.follow()
        self.widget.on_click(lambda _: control.next())

    def follow(self) -> None:
        """Let it be pressed, or not."""
        self.widget.disabled = not self._control.enabled


class BoxesSkin:
    """An invisible button over each box of a picture, and a word on how they work."""

    def __init__(self, control: Boxes) -> None:
        self._control = control
        self.buttons = {name: self._button(name) for name in control.places}
        self.widget = widgets.HTML(paragraph(control.note))
        self.follow()

    def follow(self) -> None:
        """Give each button its name, and the state of its box with it."""
        control = self._control
        for name, button in self.buttons.items():
            failed = name in control.value
            button.description = f"{name}, {control.states[not failed]}"
            button.tooltip = f"{control.acts[failed]} {name}"
            button.disabled = not control.enabled
            seen = "visible" if name in control.offered else "hidden"
            button.layout.visibility = seen

    def _button(self, name: str) -> widgets.Button:
        left, top, width, height = self._control.places[name]
        wide, high = self._control.size
        button = widgets.Button(
            style={"button_color": "transparent", "text_color": "transparent"},
            layout=widgets.Layout(
                grid_area=CELL,
                width=f"{100 * width / wide:.2f}%",
                height=f"{100 * height / high:.2f}%",
                margin=f"{100 * top / wide:.2f}% 0 0 {100 * left / wide:.2f}%",
                padding="0",
            ),
        )
        button.on_click(lambda _: self._control.press(name))
        return button
