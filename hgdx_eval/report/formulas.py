"""Formulas as MathML, which browsers show without script or network; and those of the methods."""

from functools import cache

from latex2mathml.converter import convert
from markupsafe import Markup

LONGEST = 2000  # characters of TeX that are turned into a formula; more is shown as it is written

# estimator -> (its formula in TeX, its source); what the letters mean is in locale/formulas.*.yaml
METHODS = {
    "two_way_fixed_effects": (r"y_{it} = \alpha_i + \lambda_{b(i)t} + \tau D_{it} + \varepsilon_{it}", "Wooldridge (2021)"),
    "callaway_santanna": (r"\mathrm{ATT}(g,t) = E[y_t - y_{g-1} \mid G = g] - E[y_t - y_{g-1} \mid G = \infty]",
                          "Callaway & Sant’Anna (2021), eq. 2.8"),
    "sun_abraham": (r"y_{it} = \alpha_i + \lambda_t + \sum_{g} \sum_{e \neq -1} \delta_{ge} 1[G_i = g, t - g = e] + \varepsilon_{it}",
                    "Sun & Abraham (2021), eq. 26–28"),
    "imputation": (r"\hat\tau_{it} = y_{it} - \hat\alpha_i - \hat\lambda_t", "Borusyak, Jaravel & Spiess (2024), eq. 3–5"),
    "grouped_logit": (r"\log \frac{p_{it}}{1 - p_{it}} = \alpha_i + \lambda_t + \beta D_{it}", "Stammann, Heiss & McFadden (2016)"),
    "triple_difference": (r"y_{igt} = \alpha_{ig} + \lambda_{it} + \mu_{gt} + \tau D_{igt} + \varepsilon_{igt}",
                          "Olden & Møen (2022), eq. 3"),
    "synthetic_control": (r"\hat\tau_t = y_{1t} - \sum_{j} w_j y_{jt}, \quad w_j \ge 0, \quad \sum_{j} w_j = 1",
                          "Abadie, Diamond & Hainmueller (2010), eq. 2"),
    "augmented_synthetic_control": (r"\hat\tau_t = y_{1t} - \sum_{j} w_j y_{jt} - ( \hat m_{1t} - \sum_{j} w_j \hat m_{jt} )",
                                    "Ben-Michael, Feller & Rothstein (2021), eq. 10–12"),
    "synthetic_did": (r"\min \sum_{i,t} \hat\omega_i \hat\lambda_t (y_{it} - \mu - \alpha_i - \beta_t - \tau D_{it})^2",
                      "Arkhangelsky et al. (2021), eq. 4–6"),
    "structural_time_series": (r"y_t = \mu_t + \beta x_t + \varepsilon_t, \quad \mu_{t+1} = \mu_t + \eta_t", "Brodersen et al. (2015)"),
    "interrupted_time_series": (r"y_t = \beta_0 + \beta_1 t + \beta_2 D_t + \beta_3 D_t (t - t_0) + \varepsilon_t",
                                "Bernal, Cummins & Gasparrini (2017)"),
}  # fmt: skip


@cache
def mathml(tex: str, display: bool = False) -> Markup:
    """TeX as MathML; what cannot be read stays as it is written."""
    if len(tex) <= LONGEST:
        try:
            made = Markup(convert(tex, display="block" if display else "inline"))
            return Markup('<div class="fm" tabindex="0">{}</div>').format(made) if display else made  # a wide one scrolls by itself
        except Exception:  # whatever a parser makes of text that is no TeX: the text itself is the answer
            pass
    return Markup("<code>{}</code>").format(tex)
