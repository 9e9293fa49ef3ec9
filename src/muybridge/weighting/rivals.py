"""One class per weighting of TorchJD, with its options and their values."""

from typing import Any

from muybridge.weighting.torchjd_methods import Aggregated, Scalarised, torchjd


def _scalar(name: str, *args: object, **kwargs: object) -> Any:
    """Makes a scalarisation by its name in TorchJD."""
    return lambda terms: getattr(torchjd("scalarization"), name)(*args, **kwargs)


def _sized(name: str, **kwargs: object) -> Any:
    """The same for one that wants to know the number of terms."""
    return lambda terms: getattr(torchjd("scalarization"), name)(terms, **kwargs)


def _gradient(name: str, **kwargs: object) -> Any:
    """Makes an aggregator by its name in TorchJD."""
    return lambda terms: getattr(torchjd("aggregation"), name)(**kwargs)


class Sum(Scalarised):
    """All terms count once."""

    def __init__(self) -> None:
        super().__init__("sum", _scalar("Sum"))


class Mean(Scalarised):
    """All terms count one over their number."""

    def __init__(self) -> None:
        super().__init__("mean", _scalar("Mean"))


class Random(Scalarised):
    """Weights drawn anew at every step (Lin et al., TMLR 2022)."""

    def __init__(self) -> None:
        super().__init__("random", _scalar("Random"))


class Uncertainty(Scalarised):
    """Weights by learnt homoscedastic uncertainty (Kendall et al., CVPR 2018).

    Args:
        lr: learning rate of the log variances (Adam).
    """

    def __init__(self, lr: float = 1e-2) -> None:
        super().__init__("uncertainty", _sized("UW"), lr)


class ImtlL(Scalarised):
    """Learnt scales that make all terms alike (Liu et al., ICLR 2021).

    Args:
        lr: learning rate of the log scales (Adam).
    """

    def __init__(self, lr: float = 1e-2) -> None:
        super().__init__("imtl-l", _sized("IMTLL"), lr)


class Dwa(Scalarised):
    """Weights by how fast terms fell over the last two epochs (Liu et al., CVPR 2019).

    Args:
        temperature: larger ones make weights alike.
    """

    def __init__(self, temperature: float = 2.0) -> None:
        super().__init__("dwa", _scalar("DWA", temperature))


class Famo(Scalarised):
    """Lets all logarithms of the terms fall alike (Liu et al., NeurIPS 2023); looks at every batch a second time.

    Args:
        lr: learning rate of its logits; 0.025.
        decay: their weight decay; 1e-3.
    """

    looks = 1

    def __init__(self, lr: float = 0.025, decay: float = 1e-3) -> None:
        super().__init__("famo", _sized("FAMO", lr=lr, weight_decay=decay), positive=True)


class Stch(Scalarised):
    """Smooth Tchebycheff: nearly the largest term (Lin et al., ICML 2024).

    Args:
        mu: smoothness, above 0.
    """

    def __init__(self, mu: float = 1.0) -> None:
        super().__init__("stch", _scalar("STCH", mu))


class Geometric(Scalarised):
    """Geometric mean of the terms."""

    def __init__(self) -> None:
        super().__init__("geometric", _scalar("GeometricMean"), positive=True)


class PcGrad(Aggregated):
    """Opposed gradients lose the part that opposes (Yu et al., NeurIPS 2020)."""

    def __init__(self) -> None:
        super().__init__("pcgrad", _gradient("PCGrad"))


class UpGrad(Aggregated):
    """Mean of the projections of all gradients on their dual cone (Quinton and Rey, 2024)."""

    def __init__(self) -> None:
        super().__init__("upgrad", _gradient("UPGrad"))


class GradVac(Aggregated):
    """Gradients are turned towards the cosines that they usually have (Wang et al., ICLR 2021).

    Args:
        beta: of the running cosines.
    """

    def __init__(self, beta: float = 0.5) -> None:
        super().__init__("gradvac", _gradient("GradVac", beta=beta))


class CaGrad(Aggregated):
    """The best worst term within a distance of the mean (Liu et al., NeurIPS 2021).

    Args:
        c: that distance, over the norm of the mean.
    """

    def __init__(self, c: float = 0.5) -> None:
        super().__init__("cagrad", _gradient("CAGrad", c=c))


class NashMtl(Aggregated):
    """Nash's bargaining solution (Navon et al., ICML 2022)."""

    def __init__(self) -> None:
        super().__init__("nash-mtl", lambda terms: torchjd("aggregation").NashMTL(n_tasks=terms))


class Mgda(Aggregated):
    """The shortest vector between the gradients (Sener and Koltun, NeurIPS 2018)."""

    def __init__(self) -> None:
        super().__init__("mgda", _gradient("MGDA"))


class ImtlG(Aggregated):
    """Equal projections on all gradients (Liu et al., ICLR 2021)."""

    def __init__(self) -> None:
        super().__init__("imtl-g", _gradient("IMTLG"))


class AlignedMtl(Aggregated):
    """Gradients aligned along their principal directions (Senushkin et al., CVPR 2023)."""

    def __init__(self) -> None:
        super().__init__("aligned-mtl", _gradient("AlignedMTL"))


class GradDrop(Aggregated):
    """Entries of one sign, drawn by how pure they are (Chen et al., NeurIPS 2020)."""

    def __init__(self) -> None:
        super().__init__("graddrop", _gradient("GradDrop"))


class Pcd(Aggregated):
    """The primary gradient, changed as little as lets every auxiliary term fall too (arXiv 2606.29521); the first term is the primary.

    Args:
        tau: how much each of them must fall, 0 to 1.
    """

    def __init__(self, tau: float = 0.02) -> None:
        super().__init__("pcd", _gradient("PCD", tau=tau))
