"""The wallet of the deployment: balance, spend caps and usage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import RLock

from vendo.testing._http.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing._http.messages import Json

_WARN_FROM_PERCENT = 80


class Wallet:
    """Keep balance, caps and usage in micros (1 USD is 1,000,000). Send changes to `emit`."""

    def __init__(
        self,
        balance: int,
        daily_cap: int | None,
        monthly_cap: int | None,
        now: Callable[[], float],
        emit: Callable[..., object],
    ) -> None:
        self._balance = balance
        self._caps = {"daily": daily_cap, "monthly": monthly_cap}
        self._emitted: set[tuple[str, str]] = set()
        self._now = now
        self._emit = emit
        self._lock = RLock()
        #: (day, provider) -> [calls, micros]
        self._usage: dict[tuple[str, str], list[int]] = {}

    @property
    def balance(self) -> int:
        """The remaining balance."""
        return self._balance

    def set_balance(self, micros: int) -> None:
        """Set the remaining balance."""
        with self._lock:
            self._balance = micros
            self._emit("billing.balance_changed", remaining_micros=micros)

    def set_caps(self, daily: int | None, monthly: int | None) -> None:
        """Set both caps; None removes one."""
        with self._lock:
            self._caps = {"daily": daily, "monthly": monthly}
            self._emitted.clear()

    def check(self, micros: int) -> None:
        """Check that an amount may be spent.

        Raises:
            ApiError: the balance is too small, or a cap would be exceeded.
        """
        with self._lock:
            for window, cap in self._caps.items():
                if cap is not None and self._used(window) + micros > cap:
                    self._emit_once("billing.cap_tripped", window)
                    raise ApiError(
                        f"spend_cap_{window}",
                        f"The {window} spend cap is reached.",
                        retry_after=self._seconds_left(window),
                    )
            if self._balance < micros:
                raise ApiError("balance_exhausted", "The wallet is empty.")

    def spend(self, provider: str, micros: int) -> None:
        """Charge one call."""
        with self._lock:
            entry = self._usage.setdefault((self._today().date().isoformat(), provider), [0, 0])
            entry[0] += 1
            entry[1] += micros
            self._balance -= micros
            if not micros:
                return
            self._emit("billing.usage_recorded", provider=provider, micros=micros)
            self._emit("billing.balance_changed", remaining_micros=self._balance)
            for window, cap in self._caps.items():
                percent = self._used(window) * 100 // cap if cap else 0
                if percent >= _WARN_FROM_PERCENT:
                    self._emit_once("billing.cap_warned", window, pct=percent)

    def caps(self) -> dict[str, Json]:
        """Return the caps and their usage, as the platform lists them."""
        with self._lock:
            return {
                "daily_micros": self._caps["daily"],
                "monthly_micros": self._caps["monthly"],
                "used_today_micros": self._used("daily"),
                "used_month_micros": self._used("monthly"),
            }

    def usage(self, period: str) -> dict[str, Json]:
        """Return the usage of this `day` or `month`: the total, and by provider."""
        providers: dict[str, dict[str, int]] = {}
        with self._lock:
            begin = self._begin_of("daily" if period == "day" else "monthly")
            for (day, provider), (calls, micros) in self._usage.items():
                if day.startswith(begin):
                    sums = providers.setdefault(provider, {"calls": 0, "micros": 0})
                    sums["calls"] += calls
                    sums["micros"] += micros
        total = sum(sums["micros"] for sums in providers.values())
        return {"period": period, "total_micros": total, "providers": providers}

    def _today(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)

    def _begin_of(self, window: str) -> str:
        return self._today().date().isoformat()[: 10 if window == "daily" else 7]

    def _used(self, window: str) -> int:
        begin = self._begin_of(window)
        return sum(micros for (day, _), (_, micros) in self._usage.items() if day.startswith(begin))

    def _seconds_left(self, window: str) -> int:
        now = self._today()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        end = midnight + timedelta(days=1)
        if window == "monthly":
            end = (midnight.replace(day=28) + timedelta(days=4)).replace(day=1)
        return max(1, int((end - now).total_seconds()))

    def _emit_once(self, kind: str, window: str, **fields: Json) -> None:
        if (kind, window) not in self._emitted:
            self._emitted.add((kind, window))
            self._emit(kind, window=window, **fields)
