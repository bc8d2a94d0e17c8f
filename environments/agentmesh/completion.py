"""Client of the model provider: a short timeout, and a breaker so that a hanging provider costs little."""

from __future__ import annotations

import aiohttp

from .breaker import Breaker

TIMEOUT_S = 0.2
"""Leaves a request that runs a task enough of its 0.3 s to queue it instead."""


class ProviderUnavailable(Exception):
    """The provider failed, was too slow, or is known to be out."""


class Provider:
    """The model provider as the API sees it. Without a breaker every call is tried, and waits."""

    def __init__(self, url: str, *, with_breaker: bool) -> None:
        self._url = url
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S if with_breaker else 10 * TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self.breaker = Breaker() if with_breaker else None

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def complete(self, prompt: str) -> str:
        """The model's answer. Raises ProviderUnavailable."""
        if self.breaker is not None and not self.breaker.allows:
            raise ProviderUnavailable("the circuit breaker is open")
        try:
            async with self._session.post(f"{self._url}/complete", json={"prompt": prompt}) as response:
                response.raise_for_status()
                text = str((await response.json())["text"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
            if self.breaker is not None:
                self.breaker.failed()
            raise ProviderUnavailable(str(error) or "no answer in time") from error
        if self.breaker is not None:
            self.breaker.succeeded()
        return text

    async def is_back(self) -> bool:
        """The breaker's probe."""
        try:
            async with self._session.get(f"{self._url}/health") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
