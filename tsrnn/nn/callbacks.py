"""What is called as training goes: a progress bar, early stopping, the callbacks of the user."""

from __future__ import annotations

from typing import Any

import keras

from tsrnn.nn.spec import TrainSpec
from tsrnn.progress import progress_bar

_SET_RATE = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
# Keras's own whose memory of past epochs decides what they do next.
_REMEMBER = (
    keras.callbacks.ReduceLROnPlateau,
    keras.callbacks.EarlyStopping,
    keras.callbacks.SwapEMAWeights,
    keras.callbacks.BackupAndRestore,
)


def check_callbacks(how: TrainSpec) -> None:
    """Refuse callbacks that contradict how the network is trained.

    Raises
    ------
    ValueError
        Naming the class and the remedy.
    """
    if how.schedule == "cosine" and any(isinstance(one, _SET_RATE) for one in how.callbacks):
        raise ValueError(
            "callbacks holds one that sets the learning rate, as schedule='cosine' does; use "
            "schedule='constant' with it"
        )
    for one in how.callbacks:
        if how.checkpoint_dir is not None and _remembers(one):
            raise ValueError(
                f"callbacks holds {type(one).__name__}, whose memory of past epochs decides what "
                f"it does next and is not kept in checkpoint_dir={how.checkpoint_dir!r}; "
                "leave it out (early_stopping=True and schedule='cosine' are kept), or set "
                "checkpoint_dir=None"
            )


def _remembers(callback: Any) -> bool:
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return callback.save_best_only
    return isinstance(callback, _REMEMBER)


def early_stopping(how: TrainSpec) -> Any:
    """Make the callback that stops training and returns to the best weights."""
    return keras.callbacks.EarlyStopping(
        "val_loss", patience=how.patience, restore_best_weights=True
    )


class Progress(keras.callbacks.Callback):
    """Progress bar over epochs, on a terminal only unless asked for."""

    def __init__(self, epochs: int, show: bool | None) -> None:
        super().__init__()
        self.bar = progress_bar(show, total=epochs, desc="training", unit="epoch", leave=False)

    def begin_at(self, epoch: int) -> None:
        """Show epochs as done that an earlier process has trained."""
        self.bar.update(epoch - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the losses."""
        self.bar.set_postfix({k: f"{v:.4g}" for k, v in (logs or {}).items()}, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Remove the bar."""
        self.bar.close()
