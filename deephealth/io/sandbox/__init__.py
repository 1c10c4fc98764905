"""Reading files that nobody vouches for in a worker process that may die."""

from deephealth.io.sandbox.box import Sandbox, read_untrusted

__all__ = ["Sandbox", "read_untrusted"]
