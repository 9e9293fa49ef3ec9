"""A run in a form that others read: one file of weights, a graph for torch.export or ONNX, a folder for Hugging Face, samples for FiftyOne.

Whatever holds a network is read back and compared with it on clips before it gets its name.
"""
