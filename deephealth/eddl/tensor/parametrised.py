"""Functions of one number that take further numbers: limits, bases, divisors."""

from __future__ import annotations

from typing import Self

import torch

from deephealth.eddl.strictness import is_strict
from deephealth.eddl.tensor import kernels
from deephealth.eddl.tensor.storage import Storage, check_same_size, store

__all__ = ["Parametrised"]

_LARGEST = torch.finfo(torch.float32).max


class Parametrised(Storage):
    """Functions of one number with further arguments."""

    def clamp(self, min: float, max: float) -> Self:
        """Return a new tensor with each element limited to [``min``, ``max``].

        Args:
            min: lower bound.
            max: upper bound.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).clamp(-1.0, 1.0).sum()
            1.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.clamp(x, min, max))

    def clamp_(self, min: float, max: float) -> None:
        """Replace the tensor by each element limited to [``min``, ``max``].

        Args:
            min: lower bound.
            max: upper bound.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.clamp_(-1.0, 1.0); a.sum()
            1.0
        """
        store(self, self.clamp(min, max).torch)

    @staticmethod
    def static_clamp(A: Storage, B: Storage, min: float, max: float) -> None:
        """Write each element limited to [``min``, ``max``] into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            min: lower bound.
            max: upper bound.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_clamp(a, a, -1.0, 1.0); a.sum()
            1.0
        """
        check_same_size("Tensor::clamp", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.clamp(x, min, max))

    def clampmax(self, max: float) -> Self:
        """Return a new tensor with each element, at most ``max``.

        Args:
            max: upper bound.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).clampmax(2.0).sum()
            2.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.clamp(x, -_LARGEST, max))

    def clampmax_(self, max: float) -> None:
        """Replace the tensor by each element, at most ``max``.

        Args:
            max: upper bound.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.clampmax_(2.0); a.sum()
            2.0
        """
        store(self, self.clampmax(max).torch)

    @staticmethod
    def static_clampmax(A: Storage, B: Storage, max: float) -> None:
        """Write each element, at most ``max`` into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            max: upper bound.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_clampmax(a, a, 2.0); a.sum()
            2.0
        """
        check_same_size("Tensor::clampmax", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.clamp(x, -_LARGEST, max))

    def clampmin(self, min: float) -> Self:
        """Return a new tensor with each element, at least ``min``.

        Args:
            min: lower bound.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).clampmin(4.0).sum()
            4.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.clamp(x, min, _LARGEST))

    def clampmin_(self, min: float) -> None:
        """Replace the tensor by each element, at least ``min``.

        Args:
            min: lower bound.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.clampmin_(4.0); a.sum()
            4.0
        """
        store(self, self.clampmin(min).torch)

    @staticmethod
    def static_clampmin(A: Storage, B: Storage, min: float) -> None:
        """Write each element, at least ``min`` into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            min: lower bound.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_clampmin(a, a, 4.0); a.sum()
            4.0
        """
        check_same_size("Tensor::clampmin", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.clamp(x, min, _LARGEST))

    def inv(self, v: float = 1.0) -> Self:
        """Return a new tensor with ``v`` divided by each element.

        Args:
            v: what is divided.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).inv(6.0).sum()
            2.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.inverse(x, v))

    def inv_(self, v: float = 1.0) -> None:
        """Replace the tensor by ``v`` divided by each element.

        Args:
            v: what is divided.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.inv_(6.0); a.sum()
            2.0
        """
        store(self, self.inv(v).torch)

    @staticmethod
    def static_inv(A: Storage, B: Storage, v: float = 1.0) -> None:
        """Write ``v`` divided by each element into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            v: what is divided.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_inv(a, a, 6.0); a.sum()
            2.0
        """
        check_same_size("Tensor::inv", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.inverse(x, v))

    def logn(self, n: float) -> Self:
        """Return a new tensor with the logarithm of each element to the base ``n``.

        Args:
            n: base.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).logn(3.0).sum()
            1.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.log_of_base(x, n))

    def logn_(self, n: float) -> None:
        """Replace the tensor by the logarithm of each element to the base ``n``.

        Args:
            n: base.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.logn_(3.0); a.sum()
            1.0
        """
        store(self, self.logn(n).torch)

    @staticmethod
    def static_logn(A: Storage, B: Storage, n: float) -> None:
        """Write the logarithm of each element to the base ``n`` into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            n: base.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_logn(a, a, 3.0); a.sum()
            1.0
        """
        check_same_size("Tensor::logn", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.log_of_base(x, n))

    def mod(self, v: float) -> Self:
        """Return a new tensor with what is left of each element divided by ``v``, with the sign of the element.

        Args:
            v: divisor.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).mod(2.0).sum()
            1.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.modulo(x, v))

    def mod_(self, v: float) -> None:
        """Replace the tensor by what is left of each element divided by ``v``, with the sign of the element.

        Args:
            v: divisor.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.mod_(2.0); a.sum()
            1.0
        """
        store(self, self.mod(v).torch)

    @staticmethod
    def static_mod(A: Storage, B: Storage, v: float) -> None:
        """Write what is left of each element divided by ``v``, with the sign of the element into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            v: divisor.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_mod(a, a, 2.0); a.sum()
            1.0
        """
        check_same_size("Tensor::mod", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.modulo(x, v))

    def normalize(self, min: float = 0.0, max: float = 1.0) -> Self:
        """Return a new tensor with each element scaled so that the smallest is ``min`` and the largest ``max``.

        Args:
            min: new smallest value.
            max: new largest value.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).normalize(-1.0, 1.0).sum()
            -1.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.normalize(x, min, max, strict=is_strict()))

    def normalize_(self, min: float = 0.0, max: float = 1.0) -> None:
        """Replace the tensor by each element scaled so that the smallest is ``min`` and the largest ``max``.

        Args:
            min: new smallest value.
            max: new largest value.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.normalize_(-1.0, 1.0); a.sum()
            -1.0
        """
        store(self, self.normalize(min, max).torch)

    @staticmethod
    def static_normalize(A: Storage, B: Storage, min: float = 0.0, max: float = 1.0) -> None:
        """Write each element scaled so that the smallest is ``min`` and the largest ``max`` into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            min: new smallest value.
            max: new largest value.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_normalize(a, a, -1.0, 1.0); a.sum()
            -1.0
        """
        check_same_size("Tensor::normalize", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.normalize(x, min, max, strict=is_strict()))

    def pow(self, exp: float) -> Self:
        """Return a new tensor with each element raised to ``exp``.

        Args:
            exp: exponent.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).pow(2.0).sum()
            9.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.power(x, exp))

    def pow_(self, exp: float) -> None:
        """Replace the tensor by each element raised to ``exp``.

        Args:
            exp: exponent.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.pow_(2.0); a.sum()
            9.0
        """
        store(self, self.pow(exp).torch)

    @staticmethod
    def static_pow(A: Storage, B: Storage, exp: float) -> None:
        """Write each element raised to ``exp`` into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            exp: exponent.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_pow(a, a, 2.0); a.sum()
            9.0
        """
        check_same_size("Tensor::pow", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.power(x, exp))

    def powb(self, base: float) -> Self:
        """Return a new tensor with ``base`` raised to each element.

        Args:
            base: what is raised.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).powb(2.0).sum()
            8.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.power_of_base(x, base))

    def powb_(self, base: float) -> None:
        """Replace the tensor by ``base`` raised to each element.

        Args:
            base: what is raised.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.powb_(2.0); a.sum()
            8.0
        """
        store(self, self.powb(base).torch)

    @staticmethod
    def static_powb(A: Storage, B: Storage, base: float) -> None:
        """Write ``base`` raised to each element into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            base: what is raised.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_powb(a, a, 2.0); a.sum()
            8.0
        """
        check_same_size("Tensor::powb", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.power_of_base(x, base))

    def remainder(self, v: float) -> Self:
        """Return a new tensor with what is left of each element divided by ``v``, with the sign of ``v``.

        Args:
            v: divisor.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).remainder(2.0).sum()
            1.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.remainder(x, v))

    def remainder_(self, v: float) -> None:
        """Replace the tensor by what is left of each element divided by ``v``, with the sign of ``v``.

        Args:
            v: divisor.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.remainder_(2.0); a.sum()
            1.0
        """
        store(self, self.remainder(v).torch)

    @staticmethod
    def static_remainder(A: Storage, B: Storage, v: float) -> None:
        """Write what is left of each element divided by ``v``, with the sign of ``v`` into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            v: divisor.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_remainder(a, a, 2.0); a.sum()
            1.0
        """
        check_same_size("Tensor::remainder", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.remainder(x, v))

    def sign(self, zero_sign: float = 0.0) -> Self:
        """Return a new tensor with 1 for each positive element, -1 for each negative one, ``zero_sign`` for zero.

        Args:
            zero_sign: what zero becomes.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> Tensor.full([1], 3.0).sign().sum()
            1.0
        """
        with torch.no_grad():
            x = self.torch
            return self._wrap(kernels.sign(x, zero_sign))

    def sign_(self, zero_sign: float = 0.0) -> None:
        """Replace the tensor by 1 for each positive element, -1 for each negative one, ``zero_sign`` for zero.

        Args:
            zero_sign: what zero becomes.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); a.sign_(); a.sum()
            1.0
        """
        store(self, self.sign(zero_sign).torch)

    @staticmethod
    def static_sign(A: Storage, B: Storage, zero_sign: float = 0.0) -> None:
        """Write 1 for each positive element, -1 for each negative one, ``zero_sign`` for zero into ``B``.

        Args:
            A: input.
            B: result, as many elements.
            zero_sign: what zero becomes.

        Raises:
            EddlShapeError: the sizes differ.

        Example:
            >>> from deephealth.eddl.tensor import Tensor
            >>> a = Tensor.full([1], 3.0); Tensor.static_sign(a, a); a.sum()
            1.0
        """
        check_same_size("Tensor::sign", A, B)
        with torch.no_grad():
            x = A.torch
            store(B, kernels.sign(x, zero_sign))
