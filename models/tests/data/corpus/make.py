"""Writes the corpus beside it: models of every exporter, from synthetic data, small enough to ship.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py [SEED] [FOLDER]

Other seeds give other models; the comparison (models/tests/parity.rs) takes any folder of them in WEIR_MODELS.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent
rng = np.random.default_rng(SEED)
N, F = 1500, 12
X = rng.normal(size=(N, F)).astype(np.float32)
X[:, 3] = rng.integers(0, 5, N)
X[:, 4] = np.abs(X[:, 4]) * 10
z = X[:, 0] * 1.5 - X[:, 1] + (X[:, 3] > 2) + np.sin(X[:, 4]) + 0.3 * rng.normal(size=N)
y2, y3 = (z > 0.5).astype(int), np.digitize(z, [-0.5, 1.0])
GAPS = X.copy()
GAPS[rng.random(X.shape) < 0.1] = np.nan
LABELS = np.array(["bot", "human", "unsure"])[y3]


def keep(name, model):
    path = OUT / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    print(f"{name}: {path.stat().st_size} bytes, {len(model.graph.node)} nodes")


def attempt(name, make):
    try:
        keep(name, make())
    except Exception as error:  # noqa: BLE001 - an exporter that cannot is noted, and the rest goes on
        print(f"{name}: not exported: {type(error).__name__}: {str(error)[:160]}")


def sklearn_models():
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import (
        AdaBoostClassifier,
        BaggingClassifier,
        ExtraTreesClassifier,
        GradientBoostingClassifier,
        GradientBoostingRegressor,
        IsolationForest,
        RandomForestClassifier,
        RandomForestRegressor,
        StackingClassifier,
        VotingClassifier,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, SGDClassifier
    from sklearn.naive_bayes import BernoulliNB, GaussianNB
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import (
        Binarizer,
        FunctionTransformer,
        KBinsDiscretizer,
        MinMaxScaler,
        Normalizer,
        OneHotEncoder,
        OrdinalEncoder,
        PolynomialFeatures,
        RobustScaler,
        StandardScaler,
    )
    from sklearn.svm import SVR, LinearSVC, OneClassSVM
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    def export(model, data=X, target=y2, zipmap=False, types=None, opset=None):
        def make():
            model.fit(data, target)
            final = model.steps[-1][1] if hasattr(model, "steps") else model
            options = {id(final): {"zipmap": zipmap}} if hasattr(final, "predict_proba") else None
            initial = types or [("X", FloatTensorType([None, data.shape[1]]))]
            return to_onnx(model, initial_types=initial, options=options, target_opset=opset)

        return make

    seed = {"random_state": SEED}
    cases = {
        "logistic_three": export(LogisticRegression(max_iter=500), target=y3),
        "logistic_labels_zipmap": export(LogisticRegression(max_iter=500), target=LABELS, zipmap=True),
        "logistic_scaled": export(make_pipeline(StandardScaler(), LogisticRegression())),
        "robust_minmax_ridge": export(make_pipeline(RobustScaler(), MinMaxScaler(), Ridge()), target=z),
        "imputed_logistic": export(make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), data=GAPS),
        "normalized_logistic": export(make_pipeline(Normalizer(), LogisticRegression())),
        "pca_logistic": export(make_pipeline(StandardScaler(), PCA(5), LogisticRegression())),
        "polynomial_ridge": export(make_pipeline(PolynomialFeatures(2), Ridge()), data=X[:, :4], target=z),
        "bins_logistic": export(make_pipeline(KBinsDiscretizer(4, encode="ordinal"), LogisticRegression())),
        "binarized_bernoulli": export(make_pipeline(Binarizer(threshold=0.2), BernoulliNB())),
        "linear_regression": export(LinearRegression(), target=z),
        "sgd": export(SGDClassifier(loss="log_loss", **seed)),
        "linear_svc": export(LinearSVC(**seed)),
        "perceptron": export(Perceptron(**seed)),
        "lda": export(LinearDiscriminantAnalysis(), target=y3),
        "gaussian_three": export(GaussianNB(), target=y3),
        "tree_classifier": export(DecisionTreeClassifier(max_depth=6, **seed), target=y3),
        "tree_regressor": export(DecisionTreeRegressor(max_depth=6, **seed), target=z),
        "forest_two": export(RandomForestClassifier(20, max_depth=6, **seed)),
        "forest_three_labels": export(RandomForestClassifier(12, max_depth=6, **seed), target=LABELS),
        "forest_regressor": export(RandomForestRegressor(15, max_depth=6, **seed), target=z),
        "forest_double": export(
            RandomForestClassifier(10, max_depth=5, **seed),
            data=X.astype(np.float64),
            types=[("X", DoubleTensorType([None, F]))],
        ),
        "extra_trees": export(ExtraTreesClassifier(15, max_depth=6, **seed)),
        "gradient_boosting": export(GradientBoostingClassifier(n_estimators=30, **seed)),
        "gradient_boosting_three": export(GradientBoostingClassifier(n_estimators=12, **seed), target=y3),
        "gradient_boosting_regressor": export(GradientBoostingRegressor(n_estimators=30, **seed), target=z),
        "adaboost": export(AdaBoostClassifier(n_estimators=10, **seed)),
        "bagging": export(BaggingClassifier(n_estimators=6, max_features=0.7, **seed)),
        "calibrated_isotonic": export(
            CalibratedClassifierCV(RandomForestClassifier(8, max_depth=5, **seed), method="isotonic", cv=2)
        ),
        "calibrated_sigmoid": export(
            CalibratedClassifierCV(RandomForestClassifier(8, max_depth=5, **seed), method="sigmoid", cv=2)
        ),
        "voting": export(
            VotingClassifier(
                [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=5, **seed))], voting="soft", flatten_transform=False
            )
        ),
        "stacking": export(
            StackingClassifier(
                [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=5, **seed))], cv=2
            )
        ),
        "perceptron_layers": export(MLPClassifier((16, 8), max_iter=200, **seed), target=y3),
        "perceptron_layers_regressor": export(MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", max_iter=200, **seed), target=z),
        "svr": export(SVR(C=0.5), data=X[:300], target=z[:300]),
        "one_class_svm": export(OneClassSVM(nu=0.1), data=X[:300], target=y2[:300]),
        "isolation_forest": export(
            IsolationForest(n_estimators=12, max_samples=64, **seed), opset={"": 17, "ai.onnx.ml": 3}
        ),
        "isolation_forest_contaminated": export(
            IsolationForest(n_estimators=8, max_samples=32, contamination=0.05, **seed), opset={"": 15, "ai.onnx.ml": 3}
        ),
        "integers_forest": export(
            RandomForestClassifier(6, max_depth=4, **seed),
            data=rng.integers(-5, 6, (N, 4)),
            types=[("X", Int64TensorType([None, 4]))],
        ),
    }
    for name, make in cases.items():
        attempt(name, make)

    frame = pd.DataFrame(
        {
            "country": rng.choice(["DE", "US", "RU", "CN"], N),
            "agent": rng.choice(["chrome", "curl", "python"], N),
            "rate": X[:, 4],
            "fails": X[:, 3],
        }
    )

    def columns():
        model = make_pipeline(
            ColumnTransformer(
                [
                    ("texts", OneHotEncoder(handle_unknown="ignore"), ["country", "agent"]),
                    ("numbers", StandardScaler(), ["rate", "fails"]),
                ]
            ),
            GradientBoostingClassifier(n_estimators=10, **seed),
        )
        model.fit(frame, y2)
        types = [
            ("country", StringTensorType([None, 1])),
            ("agent", StringTensorType([None, 1])),
            ("rate", FloatTensorType([None, 1])),
            ("fails", FloatTensorType([None, 1])),
        ]
        return to_onnx(model, initial_types=types, options={"zipmap": False})

    attempt("columns_boosting", columns)

    def ordinal():
        model = make_pipeline(
            ColumnTransformer(
                [
                    ("texts", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["country", "agent"]),
                    ("numbers", "passthrough", ["rate", "fails"]),
                ]
            ),
            RandomForestClassifier(6, max_depth=5, **seed),
        )
        model.fit(frame, y2)
        types = [
            ("country", StringTensorType([None, 1])),
            ("agent", StringTensorType([None, 1])),
            ("rate", FloatTensorType([None, 1])),
            ("fails", FloatTensorType([None, 1])),
        ]
        return to_onnx(model, initial_types=types, options={"zipmap": False})

    attempt("ordinal_forest", ordinal)


def boosting_models():
    import lightgbm
    import xgboost
    from onnxmltools.convert import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("X", FloatTensorType([None, F]))]

    def boosted(model, target, convert, data=GAPS, **options):
        def make():
            model.fit(data, target, **options)
            return convert(model, initial_types=types)

        return make

    small = {"n_estimators": 15, "max_depth": 4, "random_state": SEED}
    quiet = {**small, "verbose": -1}
    for name, model, target in [
        ("xgboost_two", xgboost.XGBClassifier(**small), y2),
        ("xgboost_three", xgboost.XGBClassifier(**small), y3),
        ("xgboost_regressor", xgboost.XGBRegressor(**small), z),
        ("xgboost_base_score", xgboost.XGBClassifier(base_score=0.3, **small), y2),
        ("xgboost_forest", xgboost.XGBRFClassifier(**small), y2),
    ]:
        attempt(name, boosted(model, target, convert_xgboost))
    categorical = X.copy()
    for name, model, target, data, options in [
        ("lightgbm_two", lightgbm.LGBMClassifier(**quiet), y2, GAPS, {}),
        ("lightgbm_three", lightgbm.LGBMClassifier(**quiet), y3, GAPS, {}),
        ("lightgbm_regressor", lightgbm.LGBMRegressor(**quiet), z, GAPS, {}),
        ("lightgbm_forest", lightgbm.LGBMClassifier(boosting_type="rf", subsample=0.7, subsample_freq=1, **quiet), y2, X, {}),
        (
            "lightgbm_categories",
            lightgbm.LGBMClassifier(min_data_per_group=5, cat_smooth=1, **quiet),
            y2,
            categorical,
            {"categorical_feature": [3]},
        ),
    ]:
        attempt(name, boosted(model, target, lambda m, initial_types: convert_lightgbm(m, initial_types=initial_types, zipmap=False), data, **options))

    import catboost
    import onnx

    for name, model, target in [
        ("catboost_two", catboost.CatBoostClassifier(iterations=15, depth=4, verbose=0, random_seed=SEED), y2),
        ("catboost_three", catboost.CatBoostClassifier(iterations=8, depth=3, verbose=0, random_seed=SEED), y3),
        ("catboost_regressor", catboost.CatBoostRegressor(iterations=15, depth=4, verbose=0, random_seed=SEED), z),
    ]:

        def make(model=model, target=target, name=name):
            model.fit(X, target)
            path = OUT / f"{name}.onnx"
            model.save_model(str(path), format="onnx")
            return onnx.load(str(path))

        attempt(name, make)


sklearn_models()
boosting_models()
